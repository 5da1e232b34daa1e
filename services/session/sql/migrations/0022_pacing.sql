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
create table pacing_setting (
    tenant uuid primary key,
    offer_share double precision not null check (offer_share between 0 and 1)
);

-- In which session a message was said.
create index session_started on session (conversation, started_n);

select tenant_guard('pacing');
select tenant_guard('turn');
select tenant_guard('pacing_setting');
