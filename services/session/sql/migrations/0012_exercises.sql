-- depends: 0008_records

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
    conversation uuid not null references conversation,
    run uuid not null,
    n bigint not null,
    exercise text not null,
    version integer not null,
    state text not null check (state in ('running', 'paused', 'finished', 'stopped')),
    step text,
    started_by uuid not null,
    started_at timestamptz not null,
    changed_at timestamptz not null,
    primary key (conversation, run)
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
    foreign key (conversation, run) references exercise_run
);
