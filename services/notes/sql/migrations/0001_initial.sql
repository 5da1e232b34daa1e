-- depends:

-- the runtime's tables, the same in each service that owns command queues
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

create table conversation (
    id uuid primary key,
    tenant uuid not null,
    client uuid not null,
    therapist uuid not null
);

-- A draft is replaced as a whole; its version says how often.
create table note (
    conversation uuid not null references conversation,
    id uuid not null,
    author uuid not null,
    version integer not null,
    format text not null,
    fingerprint text not null,
    content bytea not null,
    created_at timestamptz not null default clock_timestamp(),
    at timestamptz not null,
    primary key (conversation, id)
);
