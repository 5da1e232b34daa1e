-- depends: 0007_people

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

-- Whose it is stands in the row itself, so that nothing need be looked up to tell.
alter table event add column tenant uuid;
alter table session add column tenant uuid;
alter table read_mark add column tenant uuid;
alter table composition add column tenant uuid;
alter table composition_part add column tenant uuid;
alter table composition_mark add column tenant uuid;
update event e set tenant = c.tenant from conversation c where c.id = e.conversation;
update session s set tenant = c.tenant from conversation c where c.id = s.conversation;
update read_mark r set tenant = c.tenant from conversation c where c.id = r.conversation;
update composition m set tenant = c.tenant from conversation c where c.id = m.conversation;
update composition_part p set tenant = c.tenant from conversation c where c.id = p.conversation;
update composition_mark m set tenant = c.tenant from conversation c where c.id = m.conversation;

-- And it is its conversation's: foreign keys see past row-level security.
alter table participant add unique (id, tenant);
alter table conversation
    add unique (id, tenant),
    drop constraint conversation_client_fkey,
    drop constraint conversation_therapist_fkey,
    add foreign key (client, tenant) references participant (id, tenant),
    add foreign key (therapist, tenant) references participant (id, tenant);
alter table event
    alter column tenant set not null,
    drop constraint event_conversation_fkey,
    add foreign key (conversation, tenant) references conversation (id, tenant);
alter table session
    alter column tenant set not null,
    drop constraint session_conversation_fkey,
    add foreign key (conversation, tenant) references conversation (id, tenant);
alter table read_mark
    alter column tenant set not null,
    drop constraint read_mark_conversation_fkey,
    add foreign key (conversation, tenant) references conversation (id, tenant);
alter table composition
    alter column tenant set not null,
    drop constraint composition_conversation_fkey,
    add foreign key (conversation, tenant) references conversation (id, tenant);
alter table composition_part
    alter column tenant set not null,
    add foreign key (conversation, tenant) references conversation (id, tenant);
alter table composition_mark
    alter column tenant set not null,
    add foreign key (conversation, tenant) references conversation (id, tenant);

-- Leases of a minute: gateways attach again.
delete from subscription;
alter table subscription add column tenant uuid not null;

select tenant_guard('participant');
select tenant_guard('conversation');
select tenant_guard('event');
select tenant_guard('session');
select tenant_guard('read_mark');
select tenant_guard('composition');
select tenant_guard('composition_part');
select tenant_guard('composition_mark');

-- Messages to conversations whose heads are known. It says first whose rows it is about, and compares the fences of the
-- queues that they came through; it leaves out a conversation that isn't the sender's tenant's, whose head is another one
-- by now, where one of the messages exists already, or where one replies to none that exists.
create function append_messages(
    tenants text, queues text[], fences bigint[],
    of_tenants uuid[], conversations uuid[], ns bigint[], seqs bigint[], messages uuid[], senders uuid[], replies uuid[],
    fingerprints text[], contents bytea[]
) returns table (grown uuid, grown_at timestamptz) language plpgsql as $$
#variable_conflict use_column
begin
    perform set_config('unsaid.tenants', tenants, true);
    return query
    with fence as (
        select from owner join unnest(queues, fences) as held (queue, fence) using (queue, fence)
        for share of owner
    ), given as (
        select * from unnest(of_tenants, conversations, ns, seqs, messages, senders, replies, fingerprints, contents)
            as given (tenant, conversation, n, seq, message, sender, in_reply_to, fingerprint, content)
    ), growth as (
        -- Each is looked up by itself: joined, a plan made while the table was small would read all of it.
        select g.tenant, g.conversation, min(g.n) - 1 as from_n, max(g.n) as n, max(g.seq) as seq,
            count(known.n) > 0 as known, count(g.in_reply_to) > count(original.n) as astray
        from given g
        left join lateral (
            select e.n from event e where e.conversation = g.conversation and e.message = g.message limit 1
        ) as known on true
        left join lateral (
            select e.n from event e where e.conversation = g.conversation and e.message = g.in_reply_to limit 1
        ) as original on true
        group by g.tenant, g.conversation
    ), head as (
        update conversation set last_seq = growth.seq, last_n = growth.n,
            last_at = greatest(last_at, date_trunc('milliseconds', clock_timestamp()))
        from growth
        where conversation.id = growth.conversation and conversation.tenant = growth.tenant
          and conversation.last_n = growth.from_n and conversation.erased_at is null
          and not growth.known and not growth.astray and (select count(*) from fence) = cardinality(queues)
        returning conversation.id, conversation.last_at
    ), inserted as (
        insert into event
            (tenant, conversation, n, kind, at, seq, message, sender, in_reply_to, fingerprint, content)
        select g.tenant, g.conversation, g.n, 'message.posted', head.last_at, g.seq, g.message, g.sender,
            g.in_reply_to, g.fingerprint, g.content
        from given g join head on head.id = g.conversation
    )
    select head.id, head.last_at from head;
end
$$;

-- What erasures have yet to do, of all tenants: ids, and nothing else. With the owner's rights.
create function keys_to_destroy(most bigint) returns table (id uuid, tenant uuid)
language plpgsql security definer set search_path = public, pg_temp as $$
#variable_conflict use_column
begin
    perform set_config('unsaid.housekeeping', 'on', true);
    return query select id, tenant from conversation
        where erased_at is not null and erasure_done_at is null and keys_destroyed_at is null
        order by erased_at limit most;
    perform set_config('unsaid.housekeeping', '', true);
end
$$;

create function contents_to_empty(forgotten interval, most bigint) returns table (id uuid, tenant uuid)
language plpgsql security definer set search_path = public, pg_temp as $$
#variable_conflict use_column
begin
    perform set_config('unsaid.housekeeping', 'on', true);
    return query select id, tenant from conversation
        where erased_at is not null and erasure_done_at is null
          and keys_destroyed_at < clock_timestamp() - forgotten
        order by erased_at limit most;
    perform set_config('unsaid.housekeeping', '', true);
end
$$;
