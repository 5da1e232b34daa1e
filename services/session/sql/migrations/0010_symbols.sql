-- depends: 0008_records

-- Each use of an emoji in a message or as a reaction: `n` is the message's or the reaction's own. `emoji` is a tag, which
-- only the conversation's key can make. A use that was taken back isn't here any more.
create table emoji_use (
    tenant uuid not null,
    conversation uuid not null references conversation,
    emoji bytea not null,
    n bigint not null,
    at timestamptz not null,
    message uuid not null,
    seq bigint not null,
    author uuid not null,
    reaction boolean not null,
    primary key (conversation, emoji, n)
);
create index emoji_use_message on emoji_use (conversation, message);

-- A pair's lexicon. `proposer` gave the newest wording, `agreed` is the newest that both agreed to.
create table symbol (
    tenant uuid not null,
    conversation uuid not null references conversation,
    symbol uuid not null,
    emoji bytea not null,
    n bigint not null,
    proposer uuid not null,
    revision integer not null,
    agreed integer,
    retired_at timestamptz,
    primary key (conversation, symbol)
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
    foreign key (conversation, symbol) references symbol
);

-- In which session something happened.
create index session_started on session (conversation, started_n);
