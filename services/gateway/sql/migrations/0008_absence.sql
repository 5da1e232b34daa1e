-- depends: 0007_tenants

-- What a tenant says: after how many minutes a session that nobody started is missed; and what is shown to who writes to a
-- therapist who is away, by language.
alter table tenant
    add column missed_min integer not null default 15 check (missed_min between 1 and 1440),
    add column away jsonb not null default '{}';

-- Addresses of calendar feeds, by the hash of their secret part. A revoked one stays, so that it never opens again.
create table calendar_feed (
    token_sha256 bytea primary key,
    tenant uuid not null,
    conversation uuid not null,
    participant uuid not null,
    opened_at timestamptz not null default now(),
    revoked_at timestamptz
);
create index calendar_feed_open on calendar_feed (conversation, participant) where revoked_at is null;

select tenant_guard('calendar_feed');

-- Who comes with a feed's address, before it is known whose it is: that one row, while it is open. With the owner's rights.
create function calendar_feed_named(wanted bytea) returns table (tenant uuid, conversation uuid, participant uuid)
language plpgsql security definer set search_path = public, pg_temp as $$
#variable_conflict use_column
begin
    perform set_config('unsaid.housekeeping', 'on', true);
    return query select tenant, conversation, participant from calendar_feed
        where token_sha256 = wanted and revoked_at is null;
    perform set_config('unsaid.housekeeping', '', true);
end
$$;
