-- depends: 0003_erased

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

-- Whose it is stands in the row itself, and it is its conversation's: foreign keys see past row-level security.
alter table conversation add unique (id, tenant);
alter table note add column tenant uuid;
update note n set tenant = c.tenant from conversation c where c.id = n.conversation;
alter table note
    alter column tenant set not null,
    drop constraint note_conversation_fkey,
    add foreign key (conversation, tenant) references conversation (id, tenant);

-- Leases of a minute: gateways attach again.
delete from subscription;
alter table subscription add column tenant uuid not null;

select tenant_guard('conversation');
select tenant_guard('note');
