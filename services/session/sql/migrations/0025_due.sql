-- depends: 0024_agreements

-- Commands whose time comes later, whole, as they will be sent to their own queue. Deleted once the broker has them.
create table due (
    tenant uuid not null,
    conversation uuid not null,
    record uuid not null,
    at timestamptz not null,
    command text not null,
    primary key (conversation, record),
    foreign key (conversation, tenant) references conversation (id, tenant)
);
create index due_at on due (at);

select tenant_guard('due');

-- What has come due, of all tenants: ids, and nothing else. With the owner's rights.
create function came_due(most bigint) returns table (tenant uuid, conversation uuid, record uuid)
language plpgsql security definer set search_path = public, pg_temp as $$
#variable_conflict use_column
begin
    perform set_config('unsaid.housekeeping', 'on', true);
    return query select tenant, conversation, record from due where at <= now() order by at limit most;
    perform set_config('unsaid.housekeeping', '', true);
end
$$;
