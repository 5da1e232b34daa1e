-- depends: 0028_safety

-- Sessions that were scheduled. `grace`: minutes after which nobody's starting it makes it missed; `timer` is the record of
-- the command that then says so (table `due`). `held_as`: the session that it became.
create table scheduled_session (
    tenant uuid not null,
    conversation uuid not null,
    session uuid not null,
    n bigint not null,
    state text not null check (state in ('scheduled', 'started', 'cancelled', 'missed')),
    revision integer not null,
    at_local text not null,
    zone text not null,
    minutes integer not null,
    starts_at timestamptz not null,
    grace integer not null,
    timer uuid not null,
    held_as uuid,
    changed_at timestamptz not null,
    primary key (conversation, session),
    foreign key (conversation, tenant) references conversation (id, tenant)
);
create index scheduled_session_newest on scheduled_session (conversation, n desc);
create index scheduled_session_next on scheduled_session (conversation, starts_at) where state = 'scheduled';

select tenant_guard('scheduled_session');
