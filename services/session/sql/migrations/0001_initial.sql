-- depends:

-- the runtime's tables (shared/runtime/sql/runtime.sql)
create table setting (name text primary key, value integer not null);
create table instance (name text primary key, expires timestamptz not null);
create table owner (
    queue text primary key,
    instance text,
    fence bigint not null default 0,
    expires timestamptz
);
create table subscription (
    topic uuid not null,
    address text not null,
    expires timestamptz not null,
    primary key (topic, address)
);
create index subscription_address on subscription (address);

-- A person of a tenant. What they are called is sealed; the partner's id for them is looked up by its HMAC.
create table participant (
    id uuid primary key,
    tenant uuid not null,
    role text not null check (role in ('client', 'therapist')),
    external_hmac text not null,
    locale text,
    profile bytea not null,
    unique (tenant, external_hmac)
);

create table conversation (
    id uuid primary key,
    tenant uuid not null,
    region text not null,
    external_hmac text,
    client uuid not null references participant,
    therapist uuid not null references participant,
    created_at timestamptz not null,
    last_seq bigint not null default 0,
    last_n bigint not null default 0,
    last_at timestamptz not null,
    unique (tenant, external_hmac)
);
create index conversation_client on conversation (client, created_at desc, id desc);
create index conversation_therapist on conversation (therapist, created_at desc, id desc);

-- History, resume and outbox in one: everything that lasts, in the one order that everybody sees.
create table event (
    conversation uuid not null references conversation,
    n bigint not null,
    kind text not null,
    at timestamptz not null,
    seq bigint,
    message uuid,
    sender uuid,
    in_reply_to uuid,
    session uuid,
    fingerprint text,
    content bytea,
    primary key (conversation, n),
    check ((kind = 'message.posted') = (seq is not null and message is not null and content is not null))
);
create unique index event_seq on event (conversation, seq) where seq is not null;
-- A client's message id has the effect of once, for ever.
create unique index event_message on event (conversation, message) where message is not null;

create table session (
    conversation uuid not null references conversation,
    id uuid not null,
    started_n bigint not null,
    started_at timestamptz not null,
    ended_n bigint,
    ended_at timestamptz,
    primary key (conversation, id)
);
create unique index session_running on session (conversation) where ended_at is null;

create table read_mark (
    conversation uuid not null references conversation,
    participant uuid not null,
    seq bigint not null,
    primary key (conversation, participant)
);
