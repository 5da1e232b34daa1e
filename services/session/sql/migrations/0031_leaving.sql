-- depends: 0030_later

-- What was reported to the partner. The text is sealed. `number` is null until the transaction commits.
create table report (
    tenant uuid not null,
    conversation uuid not null,
    number bigint,
    report uuid not null,
    participant uuid not null,
    reason text not null,
    at timestamptz not null,
    content bytea,
    primary key (conversation, report),
    foreign key (conversation, tenant) references conversation (id, tenant)
);
create unique index report_number on report (tenant, number);

-- A partner reads on behind the last number that it has, so numbers must come in the order of commits: whoever sees one
-- must see all before it. Hence each is given as its transaction commits, under a lock that is held until it has.
-- At commit nothing else is waited for, so who has the lock never waits for who wants it, whatever else a batch locked and
-- in which order; a counter's row, locked as the report is written, could meet another batch's in a ring. One lock for all
-- tenants, since a batch may have reports of several, in any order; reports are rare. (Reading only what is older than the
-- oldest running transaction isn't enough: of two finished ones the one that began later may have the lower number.)
-- With the owner's rights: by then the transaction has said for no tenant.
create function number_report() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    perform pg_advisory_xact_lock(hashtextextended('reports', 0));
    perform set_config('unsaid.housekeeping', 'on', true);
    update report set number = (select coalesce(max(number), 0) + 1 from report where tenant = new.tenant)
        where conversation = new.conversation and report = new.report;
    perform set_config('unsaid.housekeeping', '', true);
    return null;
end
$$;
create constraint trigger number_at_commit after insert on report deferrable initially deferred
    for each row execute function number_report();

-- A therapist who is away; what is said then is in `event`, sealed, at `n`. `timer`: the record of the command that ends it.
create table absence (
    tenant uuid not null,
    conversation uuid primary key,
    n bigint not null,
    until timestamptz,
    timer uuid,
    foreign key (conversation, tenant) references conversation (id, tenant)
);

-- Hours in which somebody wants no notification: a reminder that comes due in them is put off.
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
