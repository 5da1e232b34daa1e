-- depends: 0006_people

-- Rows of a tenant are there for the transactions that have said so, and for nobody else (docs/adr/0013). Whoever makes a
-- table with `tenant uuid not null` calls this, and says in grants.sql what the serving role may do with it.
--
-- The owner is held to it as well. It sees all where it says that it keeps house: in functions of its own that say so,
-- and in migrations (`set local unsaid.housekeeping = 'on'`); the serving role can't.
create function tenant_guard(guarded regclass) returns void language plpgsql as $$
begin
    execute format('alter table %s enable row level security, force row level security', guarded);
    execute format('create policy tenants on %s using (
        tenant = any ((select nullif(current_setting(''unsaid.tenants'', true), '''')::uuid[])::uuid[]))', guarded);
    execute format('create policy housekeeping on %s to current_user using (
        current_setting(''unsaid.housekeeping'', true) = ''on'')', guarded);
end
$$;

select tenant_guard('api_client');
select tenant_guard('idempotency');
select tenant_guard('refusal');

-- Who comes with a client id, before it is known whose it is: that one row. With the owner's rights.
create function api_client_named(wanted text) returns table (tenant uuid, salt bytea, secret_hash bytea)
language plpgsql security definer set search_path = public, pg_temp as $$
#variable_conflict use_column
begin
    perform set_config('unsaid.housekeeping', 'on', true);
    return query select tenant, salt, secret_hash from api_client where client_id = wanted;
    perform set_config('unsaid.housekeeping', '', true);
end
$$;
