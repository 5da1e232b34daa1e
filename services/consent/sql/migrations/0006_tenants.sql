-- depends: 0005_erased

-- Rows of a tenant are there for the transactions that have said so, and for nobody else (docs/adr/0013). Whoever makes a
-- table with `tenant uuid not null` calls this, and says in grants.sql what the serving role may do with it.
--
-- The owner is held to it as well. It sees all where it says that it keeps house: in functions of its own that say so,
-- and in migrations (`set local unsaid.housekeeping = 'on'`); the serving role can't.
create function tenant_guard(guarded regclass) returns void language plpgsql as $$
begin
    execute format('alter table %s enable row level security, force row level security', guarded);
    execute format('create policy tenants on %s using (
        tenant = any ((select nullif(current_setting(''unsaid.tenants'', true), '''')::uuid[])::uuid[]))', guarded);
    execute format('create policy housekeeping on %s to current_user using (
        current_setting(''unsaid.housekeeping'', true) = ''on'')', guarded);
end
$$;

-- Whose it is stands in the row itself, and it is its conversation's: foreign keys see past row-level security.
alter table conversation add unique (id, tenant);
alter table decision
    drop constraint decision_conversation_fkey,
    add foreign key (conversation, tenant) references conversation (id, tenant);
alter table due add column tenant uuid;
alter table consent_use add column tenant uuid;
update due d set tenant = c.tenant from conversation c where c.id = d.conversation;
update consent_use u set tenant = c.tenant from conversation c where c.id = u.conversation;
alter table due
    alter column tenant set not null,
    add foreign key (conversation, tenant) references conversation (id, tenant);
alter table consent_use
    alter column tenant set not null,
    add foreign key (conversation, tenant) references conversation (id, tenant);

-- Leases of a minute: gateways attach again.
delete from subscription;
alter table subscription add column tenant uuid not null;

select tenant_guard('conversation');
select tenant_guard('decision');
select tenant_guard('node');
select tenant_guard('checkpoint');
select tenant_guard('form');
select tenant_guard('due');
select tenant_guard('consent_use');
-- Forms of files are everybody's to read.
create policy everybody on form for select using (tenant = '00000000-0000-0000-0000-000000000000');

-- Who they are: ids, and nothing else. With the owner's rights.
create function tenants() returns setof uuid
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    perform set_config('unsaid.housekeeping', 'on', true);
    return query select distinct tenant from conversation order by tenant;
    perform set_config('unsaid.housekeeping', '', true);
end
$$;

-- Conversations, of whatever tenants, that this address was told to hear of, and in which a grant has ended not long
-- ago: ids, and nothing else. With the owner's rights.
create function due_held(of_address text) returns table (conversation uuid, tenant uuid)
language plpgsql security definer set search_path = public, pg_temp as $$
#variable_conflict use_column
begin
    perform set_config('unsaid.housekeeping', 'on', true);
    return query select distinct due.conversation, due.tenant
        from due join subscription s on s.topic = due.conversation and s.tenant = due.tenant
        where s.address = of_address and due.due_at <= clock_timestamp();
    perform set_config('unsaid.housekeeping', '', true);
end
$$;

-- As before, tenant by tenant.
create or replace function begin_generation(purposes text[]) returns table (generation integer, withdrawn bigint)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    each uuid;
    here bigint;
begin
    update home set incarnation = incarnation();
    update setting set value = value + 1 where name = 'generation' returning value into strict generation;
    withdrawn := 0;
    for each in select * from tenants() loop
        perform set_config('unsaid.tenants', '{' || each || '}', true);
        with newest as (
            select distinct on (conversation, participant, purpose) conversation, participant, purpose, is_grant
            from decision where purpose = any (purposes)
            order by conversation, participant, purpose, epoch desc
        ), moved as (
            update conversation set last_at = greatest(last_at, date_trunc('milliseconds', clock_timestamp()))
            where id in (select conversation from newest where is_grant)
            returning id, last_at
        ), added as (
            insert into decision (conversation, id, participant, purpose, is_grant, epoch, at, via)
            select moved.id, gen_random_uuid(), participant, purpose, false, generation * 4294967296 + 1, last_at,
                'system: restored'
            from newest join moved on moved.id = newest.conversation
            where is_grant
            order by last_at, moved.id
            returning 1
        )
        select count(*) into here from added;
        withdrawn := withdrawn + here;
    end loop;
    perform set_config('unsaid.tenants', '', true);
    return next;
end
$$;
