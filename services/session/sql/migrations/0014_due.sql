-- depends: 0013_agreements

-- Commands whose time comes later, whole, as they will be sent to their own queue. Deleted once the broker has them.
create table due (
    tenant uuid not null,
    conversation uuid not null references conversation,
    record uuid not null,
    at timestamptz not null,
    command text not null,
    primary key (conversation, record)
);
create index due_at on due (at);
