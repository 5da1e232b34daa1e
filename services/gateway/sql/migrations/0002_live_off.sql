-- depends: 0001_initial

-- Where an operator has switched live text off: a tenant's id, or * for everywhere.
create table live_off (
    scope text primary key,
    since timestamptz not null default now()
);
