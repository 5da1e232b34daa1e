-- depends: 0023_exercises

-- How each agreement stands. `reminder` is the record of the reminder that both want (table `due`), while it is to come.
-- What it says is in `event`, sealed, at `worded_n`: the wording that stands.
create table agreement (
    tenant uuid not null,
    conversation uuid not null,
    agreement uuid not null,
    n bigint not null,
    state text not null check (state in ('proposed', 'agreed', 'declined', 'closed')),
    wording integer not null,
    worded_n bigint not null,
    author uuid not null,
    until timestamptz,
    remind_at text,
    remind_zone text,
    reminder uuid,
    how text,
    changed_at timestamptz not null,
    primary key (conversation, agreement),
    foreign key (conversation, tenant) references conversation (id, tenant),
    check ((remind_at is null) = (remind_zone is null))
);
create index agreement_newest on agreement (conversation, n desc);
create index agreement_agreed on agreement (conversation, until) where state = 'agreed';

select tenant_guard('agreement');
