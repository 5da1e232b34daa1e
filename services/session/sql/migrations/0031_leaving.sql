-- depends: 0030_later

-- What was reported to the partner, in the order in which it came. The text is sealed.
create table report (
    tenant uuid not null,
    conversation uuid not null,
    number bigint generated always as identity,
    report uuid not null,
    participant uuid not null,
    reason text not null,
    at timestamptz not null,
    content bytea,
    primary key (conversation, report),
    foreign key (conversation, tenant) references conversation (id, tenant)
);
create index report_number on report (tenant, number);

-- A therapist who is away; what is said then is in `event`, sealed, at `n`. `timer`: the record of the command that ends it.
create table absence (
    tenant uuid not null,
    conversation uuid primary key,
    n bigint not null,
    until timestamptz,
    timer uuid,
    foreign key (conversation, tenant) references conversation (id, tenant)
);

-- Hours in which somebody wants no notification. Nothing reads them yet but they themselves.
create table quiet_hours (
    tenant uuid not null,
    conversation uuid not null,
    participant uuid not null,
    starts text not null,
    ends text not null,
    zone text not null,
    primary key (conversation, participant),
    foreign key (conversation, tenant) references conversation (id, tenant)
);

select tenant_guard('report');
select tenant_guard('absence');
select tenant_guard('quiet_hours');
