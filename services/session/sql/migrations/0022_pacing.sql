-- depends: 0021_records

-- How many words a message has, counted where it could be read. Null: before it was counted, or taken back.
alter table event add column words integer;

-- What pacing knows of a scope: a whole conversation (scope = conversation) or one of its sessions. `upto`: the seq of the
-- last message that is in it (of the whole's row); `state`: services/session/domain/pacing.py.
create table pacing (
    tenant uuid not null,
    conversation uuid not null,
    scope uuid not null,
    upto bigint not null default 0,
    state jsonb not null,
    primary key (conversation, scope),
    foreign key (conversation, tenant) references conversation (id, tenant)
);

-- Turns: maximal runs of messages by one person. `seq` is that of the first; `reply_ms` since the first of the other's.
create table turn (
    tenant uuid not null,
    conversation uuid not null,
    scope uuid not null,
    seq bigint not null,
    client boolean not null,
    at_ms bigint not null,
    messages integer not null,
    words integer not null,
    reply_ms bigint,
    primary key (conversation, scope, seq),
    foreign key (conversation, tenant) references conversation (id, tenant)
);
create index turn_reply on turn (conversation, scope, client, reply_ms) where reply_ms is not null;

-- Above which share of the last 200 words a tenant's therapists are offered prompts.
create table pacing_setting (tenant uuid primary key, offer_share real not null check (offer_share between 0 and 1));

-- In which session a message was said.
create index session_started on session (conversation, started_n);

select tenant_guard('pacing');
select tenant_guard('turn');
select tenant_guard('pacing_setting');

-- As before, and with how many words each message has.
drop function append_messages;
-- Messages to conversations whose heads are known. It says first whose rows it is about, and compares the fences of the
-- queues that they came through; it leaves out a conversation that isn't the sender's tenant's, whose head is another one
-- by now, where one of the messages exists already, or where one replies to none that exists.
create function append_messages(
    tenants text, queues text[], fences bigint[],
    of_tenants uuid[], conversations uuid[], ns bigint[], seqs bigint[], messages uuid[], senders uuid[], replies uuid[],
    fingerprints text[], contents bytea[], word_counts integer[]
) returns table (grown uuid, grown_at timestamptz) language plpgsql as $$
#variable_conflict use_column
begin
    perform set_config('unsaid.tenants', tenants, true);
    return query
    with fence as (
        select from owner join unnest(queues, fences) as held (queue, fence) using (queue, fence)
        for share of owner
    ), given as (
        select * from unnest(of_tenants, conversations, ns, seqs, messages, senders, replies, fingerprints, contents,
                             word_counts)
            as given (tenant, conversation, n, seq, message, sender, in_reply_to, fingerprint, content, words)
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
            (tenant, conversation, n, kind, at, seq, message, sender, in_reply_to, fingerprint, content, words)
        select g.tenant, g.conversation, g.n, 'message.posted', head.last_at, g.seq, g.message, g.sender,
            g.in_reply_to, g.fingerprint, g.content, g.words
        from given g join head on head.id = g.conversation
    )
    select head.id, head.last_at from head;
end
$$;
