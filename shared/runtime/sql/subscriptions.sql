-- name: subscribe
insert into subscription (tenant, topic, address, expires) values ($4, $1, $2, now() + $3::interval)
on conflict (topic, address) do update set expires = excluded.expires where subscription.tenant = excluded.tenant
returning (xmax = 0) as is_new;

-- name: unsubscribe
delete from subscription where topic = $1 and address = $2 and tenant = $3 returning topic;

-- name: renew
update subscription set expires = now() + $3::interval
where address = $1 and topic = any($2::uuid[]) and expires > now()
returning topic, tenant;

-- name: addresses
select topic, address from subscription where topic = any($1::uuid[]) and expires > now() order by topic, address;

-- name: drop_address!
-- Its queue is gone: it will never come back under this name.
delete from subscription where address = $1 returning topic, tenant;

-- name: drop_expired!
delete from subscription where expires < now() - interval '1 minute';
