-- depends: 0027_attunement

-- What was raised, by either. `escalation` is the record of what will come due (table `due`) if nobody acknowledges it.
-- What it says is in `event`, sealed.
create table safety_raise (
    tenant uuid not null,
    conversation uuid not null,
    raised uuid not null,
    n bigint not null,
    sender uuid not null,
    raised_at timestamptz not null,
    escalation uuid not null,
    escalated_at timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by uuid,
    primary key (conversation, raised),
    foreign key (conversation, tenant) references conversation (id, tenant),
    check ((acknowledged_at is null) = (acknowledged_by is null))
);
create index safety_raise_newest on safety_raise (conversation, n desc);
create index safety_raise_open on safety_raise (conversation) where acknowledged_at is null;
create index safety_raise_tenant on safety_raise (tenant, raised_at, conversation, raised);
create index safety_raise_tenant_open on safety_raise (tenant, raised_at, conversation, raised)
    where acknowledged_at is null;

-- Versions of the plan that two people write together; what each says is in `event`, sealed, at `n`.
create table safety_plan (
    tenant uuid not null,
    conversation uuid not null,
    version integer not null,
    n bigint not null,
    author uuid not null,
    saved_at timestamptz not null,
    primary key (conversation, version),
    foreign key (conversation, tenant) references conversation (id, tenant)
);

-- Which version of the questions was answered last; answers and advice are in `event`, sealed, at `n`.
create table suitability (
    tenant uuid not null,
    conversation uuid primary key,
    version integer not null,
    n bigint not null,
    answered_at timestamptz not null,
    foreign key (conversation, tenant) references conversation (id, tenant)
);

select tenant_guard('safety_raise');
select tenant_guard('safety_plan');
select tenant_guard('suitability');
