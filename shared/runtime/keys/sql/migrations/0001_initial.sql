-- depends:

-- Keys, each wrapped by the one above it; nothing here is of use without the provider's key.
create table tenant_key (
    tenant uuid not null,
    version integer not null check (version >= 1),
    wrapped text not null, -- by the provider's key, in the provider's own format
    created_at timestamptz not null default clock_timestamp(),
    primary key (tenant, version)
);

create table key_owner (
    tenant uuid not null,
    owner uuid not null,
    erased boolean not null default false,
    erased_at timestamptz,
    primary key (tenant, owner),
    unique (tenant, owner, erased),
    check (erased = (erased_at is not null))
);

-- A key can only be of an owner that isn't erased: whichever of a new key and an erasure comes second fails.
create table data_key (
    tenant uuid not null,
    owner uuid not null,
    erased boolean not null default false check (not erased),
    kind text not null,
    version integer not null check (version >= 1),
    tenant_version integer not null,
    wrapped bytea not null, -- by the tenant's key of that version
    created_at timestamptz not null default clock_timestamp(),
    primary key (tenant, owner, kind, version),
    foreign key (tenant, owner, erased) references key_owner (tenant, owner, erased),
    foreign key (tenant, tenant_version) references tenant_key (tenant, version)
);
create index data_key_wrapped on data_key (tenant, tenant_version);
