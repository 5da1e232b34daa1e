-- depends: 0003_log

-- Forms, versioned: what people decide on. Tenant 0: everybody's, from files; a tenant's own replace them for a purpose.
--
-- valid_days: how long a grant lasts. older_lapse_at: when grants of older versions lapse; null: they stay in force.
create table form (
    tenant uuid not null,
    purpose text not null,
    version integer not null,
    locale text not null,
    title text not null,
    text text not null,
    sha256 text not null,
    valid_days integer,
    older_lapse_at timestamptz,
    published_at timestamptz not null,
    primary key (tenant, purpose, version, locale)
);
create trigger append_only before update or delete or truncate on form
    for each statement execute function refuse_change();

-- A tenant's forms: its own, and everybody's that were there before them.
create function forms_of(of_tenant uuid) returns setof form language sql stable as $$
    select f.* from form f
    where f.tenant = of_tenant
        or f.tenant = '00000000-0000-0000-0000-000000000000' and not exists (
            select from form own where own.tenant = of_tenant and own.purpose = f.purpose and own.version <= f.version)
$$;

-- The few of them that end grants of older versions: asked for with each question of what is in force.
create index form_that_lapses on form (tenant) where older_lapse_at is not null;

-- decided_at: when the person decided, as the partner says that relayed it.
alter table decision add column expires_at timestamptz, add column decided_at timestamptz;
create index decision_of_participant on decision (tenant, participant, at);

-- When a grant that stands will have expired or lapsed; then a withdrawal is recorded by the system (settled_at). An
-- index for the service's work, not a record: what is in force is told from decisions and forms alone.
create table due (
    conversation uuid not null,
    participant uuid not null,
    purpose text not null,
    epoch bigint not null,
    due_at timestamptz not null,
    settled_at timestamptz,
    primary key (conversation, participant, purpose)
);
create index due_by_time on due (due_at);

-- How consents were used: what a gateway let through and blocked since it began to count (run), by the epoch that was
-- in force then. Numbers and times, no content.
create table consent_use (
    conversation uuid not null,
    participant uuid not null,
    purpose text not null,
    epoch bigint not null,
    run uuid not null,
    let_through bigint not null,
    let_first_at timestamptz,
    let_last_at timestamptz,
    blocked bigint not null,
    blocked_first_at timestamptz,
    blocked_last_at timestamptz,
    primary key (conversation, participant, purpose, epoch, run)
);

create or replace function decision_entry(d decision) returns bytea language sql stable as $$
    select convert_to('{' || concat_ws(',',
        '"at":"' || to_char(d.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || '"',
        '"by":{"capacity":' || to_json(d.by_capacity) || ',"person":"' || d.by_person || '"}',
        '"conversation":"' || d.conversation || '"',
        '"decided_at":"' || to_char(d.decided_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || '"',
        '"decision":"' || case when d.is_grant then 'grant' else 'withdraw' end || '"',
        '"device":"' || encode(sha256(convert_to(d.device, 'UTF8')), 'hex') || '"',
        '"epoch":' || d.epoch,
        '"expires_at":"' || to_char(d.expires_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || '"',
        '"id":"' || d.id || '"',
        '"locale":' || to_json(d.locale),
        '"participant":"' || d.participant || '"',
        '"purpose":' || to_json(d.purpose),
        '"sha256":' || to_json(d.sha256),
        '"v":1',
        '"version":' || d.version,
        '"via":' || to_json(d.via)
    ) || '}', 'UTF8')
$$;
