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

-- Raised when the database is restored from a backup, so that what was forgotten can't be overruled.
insert into setting (name, value) values ('generation', 0);

create table conversation (
    id uuid primary key,
    tenant uuid not null,
    client uuid not null,
    therapist uuid not null,
    client_locale text,
    therapist_locale text,
    last_at timestamptz not null default '-infinity'
);

-- Never changed or deleted, only followed by another.
create table decision (
    conversation uuid not null references conversation,
    id uuid not null,
    participant uuid not null,
    purpose text not null,
    is_grant boolean not null,
    version integer,
    sha256 text,
    locale text,
    epoch bigint not null,
    at timestamptz not null,
    via text not null,
    device text,
    primary key (conversation, id),
    unique (conversation, participant, purpose, epoch),
    check (not is_grant or (version is not null and sha256 is not null))
);
