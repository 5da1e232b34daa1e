-- depends: 0029_sessions

-- Requests that are one person's own, and that nobody else is told of: what was asked under which id, so that it has the
-- effect of once.
create table own_request (
    tenant uuid not null,
    conversation uuid not null,
    record uuid not null,
    fingerprint text not null,
    at timestamptz not null,
    primary key (conversation, record),
    foreign key (conversation, tenant) references conversation (id, tenant)
);

-- Messages that wait for their time; `command` is the one that sends them (its content is sealed), `timer` the record of the
-- command that comes due. Once it doesn't wait any more, nothing of what it says is left here.
create table planned_message (
    tenant uuid not null,
    conversation uuid not null,
    message uuid not null,
    author uuid not null,
    state text not null check (state in ('waiting', 'sent', 'recalled', 'not_sent')),
    wording integer not null,
    send_at timestamptz not null,
    in_reply_to uuid,
    timer uuid not null,
    command text,
    primary key (conversation, message),
    foreign key (conversation, tenant) references conversation (id, tenant),
    check ((state = 'waiting') = (command is not null))
);
create index planned_message_waiting on planned_message (conversation, author, send_at) where state = 'waiting';

-- Who left: nothing is written there until they return.
alter table conversation add column left_by uuid;

select tenant_guard('own_request');
select tenant_guard('planned_message');
