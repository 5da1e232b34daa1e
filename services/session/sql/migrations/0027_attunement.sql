-- depends: 0026_symbols

-- "What did you hear?" of a message: `author` wrote that; who asked, and what was said, is in the events.
create table attunement (
    tenant uuid not null,
    conversation uuid not null,
    check_id uuid not null,
    n bigint not null,
    message uuid not null,
    author uuid not null,
    state text not null check (state in ('asked', 'reflected', 'heard', 'taken_back')),
    round integer not null,
    session uuid,
    primary key (conversation, check_id),
    foreign key (conversation, tenant) references conversation (id, tenant)
);
create unique index attunement_open on attunement (conversation, message) where state in ('asked', 'reflected');
create index attunement_n on attunement (conversation, n);

-- What was said in a check, by the event in which it was.
create table attunement_said (
    tenant uuid not null,
    conversation uuid not null,
    check_id uuid not null,
    n bigint not null,
    primary key (conversation, check_id, n),
    foreign key (conversation, check_id) references attunement,
    foreign key (conversation, tenant) references conversation (id, tenant)
);

select tenant_guard('attunement');
select tenant_guard('attunement_said');
