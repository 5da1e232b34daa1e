-- depends:

create table tenant (
    id uuid primary key,
    name text not null unique,
    origins text[] not null default '{}',
    rate_factor integer not null default 1 check (rate_factor between 1 and 1000),
    created_at timestamptz not null default now()
);

create table api_client (
    client_id text primary key,
    tenant uuid not null references tenant,
    salt bytea not null,
    secret_hash bytea not null
);

-- Requests of partners that were made under an Idempotency-Key. Without an answer: begun, not known to be done.
create table idempotency (
    tenant uuid not null,
    template text not null,
    key text not null,
    path text not null,
    body_hmac text not null,
    status integer,
    answer text,
    created_at timestamptz not null default now(),
    primary key (tenant, template, key)
);
