-- depends: 0001_initial

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

select tenant_guard('tenant_key');
select tenant_guard('key_owner');
select tenant_guard('data_key');
