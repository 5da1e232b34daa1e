-- depends: 0025_due

-- The message that a record is about.
alter table event add column about uuid;
create index event_about on event (conversation, about) where about is not null;

-- Each use of an emoji in a message or as a reaction: `n` is the message's or the reaction's own. `emoji` is a tag, which
-- only the conversation's key can make. A use that was taken back isn't here any more.
create table emoji_use (
    tenant uuid not null,
    conversation uuid not null,
    emoji bytea not null,
    n bigint not null,
    at timestamptz not null,
    message uuid not null,
    seq bigint not null,
    author uuid not null,
    reaction boolean not null,
    primary key (conversation, emoji, n),
    foreign key (conversation, tenant) references conversation (id, tenant)
);
create index emoji_use_message on emoji_use (conversation, message);

-- A pair's lexicon. `proposer` gave the newest wording, `agreed` is the newest that both agreed to.
create table symbol (
    tenant uuid not null,
    conversation uuid not null,
    symbol uuid not null,
    emoji bytea not null,
    n bigint not null,
    proposer uuid not null,
    revision integer not null,
    agreed integer,
    retired_at timestamptz,
    primary key (conversation, symbol),
    foreign key (conversation, tenant) references conversation (id, tenant)
);
-- An emoji has one meaning at a time.
create unique index symbol_in_use on symbol (conversation, emoji) where retired_at is null;
create index symbol_n on symbol (conversation, n);

-- What a symbol means, and meant; the words are in the event `n`.
create table symbol_wording (
    tenant uuid not null,
    conversation uuid not null,
    symbol uuid not null,
    revision integer not null,
    n bigint not null,
    agreed_at timestamptz,
    primary key (conversation, symbol, revision),
    foreign key (conversation, symbol) references symbol,
    foreign key (conversation, tenant) references conversation (id, tenant)
);

select tenant_guard('emoji_use');
select tenant_guard('symbol');
select tenant_guard('symbol_wording');

-- As before, and with how many words each message has, and which emoji.
drop function append_messages;
-- Messages to conversations whose heads are known. It says first whose rows it is about, and compares the fences of the
-- queues that they came through; it leaves out a conversation that isn't the sender's tenant's, whose head is another one
-- by now, where one of the messages exists already, or where one replies to none that exists.
create function append_messages(
    tenants text, queues text[], fences bigint[],
    of_tenants uuid[], conversations uuid[], ns bigint[], seqs bigint[], messages uuid[], senders uuid[], replies uuid[],
    fingerprints text[], contents bytea[], word_counts integer[],
    use_conversations uuid[], use_ns bigint[], use_emoji bytea[]
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
    ), used as (
        insert into emoji_use (tenant, conversation, emoji, n, at, message, seq, author, reaction)
        select g.tenant, g.conversation, u.emoji, g.n, head.last_at, g.message, g.seq, g.sender, false
        from unnest(use_conversations, use_ns, use_emoji) as u (conversation, n, emoji)
        join given g on g.conversation = u.conversation and g.n = u.n
        join head on head.id = g.conversation
    )
    select head.id, head.last_at from head;
end
$$;
