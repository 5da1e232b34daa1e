-- depends: 0022_pacing

-- What can be done, a row for each version; `tenant` is nobody's (all zeros) where it comes with the platform. A version
-- that is no longer offered stays for what runs in it.
create table exercise_definition (
    tenant uuid not null,
    exercise text not null,
    version integer not null,
    offered boolean not null,
    title text not null,
    definition text not null,
    primary key (tenant, exercise, version)
);

-- What was started; `n` is that of its start. What was answered is in `event`, sealed.
create table exercise_run (
    tenant uuid not null,
    conversation uuid not null,
    run uuid not null,
    n bigint not null,
    exercise text not null,
    version integer not null,
    state text not null check (state in ('running', 'paused', 'finished', 'stopped')),
    step text,
    started_by uuid not null,
    started_at timestamptz not null,
    changed_at timestamptz not null,
    primary key (conversation, run),
    foreign key (conversation, tenant) references conversation (id, tenant)
);
create index exercise_run_newest on exercise_run (conversation, n desc);
create index exercise_run_series on exercise_run (conversation, exercise, n desc);

create table exercise_answer (
    tenant uuid not null,
    conversation uuid not null,
    run uuid not null,
    step text not null,
    n bigint not null,
    primary key (conversation, run, step),
    foreign key (conversation, run) references exercise_run,
    foreign key (conversation, tenant) references conversation (id, tenant)
);

select tenant_guard('exercise_definition');
create policy everybodys on exercise_definition for select using (tenant = '00000000-0000-0000-0000-000000000000');
select tenant_guard('exercise_run');
select tenant_guard('exercise_answer');

-- Who ever had exercises of their own: ids, and nothing else. With the owner's rights.
create function exercise_tenants() returns setof uuid
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    perform set_config('unsaid.housekeeping', 'on', true);
    return query select distinct d.tenant from exercise_definition d;
    perform set_config('unsaid.housekeeping', '', true);
end
$$;
