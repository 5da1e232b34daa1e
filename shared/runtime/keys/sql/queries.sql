-- name: read
-- All versions of the data keys asked for, and which owners are erased. A key that isn't there has one row of nulls.
select asked.tenant, asked.kind, asked.owner, coalesce(o.erased, false) as erased, k.version, k.tenant_version, k.wrapped,
       extract(epoch from clock_timestamp() - k.created_at)::float8 as age_s
from unnest($1::uuid[], $2::text[], $3::uuid[]) as asked (tenant, kind, owner)
left join key_owner o on o.tenant = asked.tenant and o.owner = asked.owner
left join data_key k on k.tenant = asked.tenant and k.owner = asked.owner and k.kind = asked.kind
order by k.version;

-- name: tenant_keys
select tenant, version, wrapped, extract(epoch from clock_timestamp() - created_at)::float8 as age_s
from tenant_key where tenant = any ($1::uuid[]) order by version;

-- name: add_tenant_key!
insert into tenant_key (tenant, version, wrapped) values ($1, $2, $3) on conflict do nothing;

-- name: add_owners!
insert into key_owner (tenant, owner) select distinct t, o from unnest($1::uuid[], $2::uuid[]) as new (t, o)
on conflict do nothing;

-- name: add_data_keys!
-- Where an owner is erased this breaks a foreign key.
insert into data_key (tenant, owner, kind, version, tenant_version, wrapped)
select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::integer[], $5::integer[], $6::bytea[])
on conflict do nothing;

-- name: destroy_keys!
delete from data_key where tenant = $1 and owner = $2;

-- name: erase_owner!
-- Where a key was added meanwhile this breaks its foreign key.
insert into key_owner (tenant, owner, erased, erased_at) values ($1, $2, true, clock_timestamp())
on conflict (tenant, owner) do update set erased = true, erased_at = coalesce(key_owner.erased_at, excluded.erased_at);

-- name: newest
-- The newest version of each kind of key of an owner.
select kind, max(version) as version from data_key where tenant = $1 and owner = $2 group by kind;

-- name: owner_tenant
select tenant from key_owner where owner = $1;

-- name: tenants
select tenant, max(version) as version from tenant_key group by tenant order by tenant;

-- name: wrapped_older
-- Some of a tenant's data keys that aren't wrapped by this version of its key yet.
select owner, kind, version, tenant_version, wrapped from data_key
where tenant = $1 and tenant_version < $2 and (owner, kind, version) > ($3, $4, $5)
order by owner, kind, version limit $6;

-- name: rewrap_data_keys!
-- One that was destroyed meanwhile stays so.
update data_key k set tenant_version = $2, wrapped = new.wrapped
from unnest($3::uuid[], $4::text[], $5::integer[], $6::bytea[]) as new (owner, kind, version, wrapped)
where k.tenant = $1 and k.owner = new.owner and k.kind = new.kind and k.version = new.version;

-- name: all_tenant_keys
select tenant, version, wrapped from tenant_key where (tenant, version) > ($1, $2) order by tenant, version limit $3;

-- name: rewrap_tenant_key!
update tenant_key set wrapped = $3 where tenant = $1 and version = $2;
