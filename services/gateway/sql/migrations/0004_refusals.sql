-- depends: 0003_obscure

-- For audits: who asked for what that an erasure or a missing key forbids, how often in some seconds. Only ever added to.
create table refusal (
    id bigint generated always as identity primary key,
    tenant uuid not null,
    conversation uuid,
    participant uuid, -- null: a partner's back end
    asked text not null, -- a frame's type or a route
    code text not null,
    times integer not null,
    first_at timestamptz not null,
    last_at timestamptz not null
);
create index refusal_conversation on refusal (tenant, conversation, first_at);
