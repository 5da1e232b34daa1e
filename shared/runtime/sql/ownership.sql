-- name: queue_count!
-- The number of command queues that this database was started with; kept at the first start.
insert into setting (name, value) values ('queues', $1) on conflict do nothing;

-- name: kept_queue_count
select value from setting where name = 'queues';

-- name: ensure_queue!
insert into owner (queue) values ($1) on conflict do nothing;

-- name: beat!
-- This instance is alive.
insert into instance (name, expires) values ($1, now() + $2::interval)
on conflict (name) do update set expires = excluded.expires;

-- name: leave!
delete from instance where name = $1;

-- name: forget_dead!
delete from instance where expires < now() - interval '1 minute';

-- name: list_alive
select name from instance where expires > now();

-- name: list_owners
select queue, instance, fence, coalesce(expires < now(), true) as free from owner order by queue;

-- name: take!
-- Raising the fence shuts out whoever held the queue before, in every transaction that it has yet to begin.
update owner set instance = $2, fence = fence + 1, expires = now() + $4::interval
where queue = $1 and fence = $3
returning fence;

-- name: renew
update owner set expires = now() + $3::interval
from unnest($1::text[], $2::bigint[]) as held (queue, fence)
where owner.queue = held.queue and owner.fence = held.fence
returning owner.queue;

-- name: release!
update owner set instance = null, expires = null where queue = $1 and fence = $2;

-- name: fence!
-- Part of every writing transaction: these queues are still ours, and stay so until the commit.
select owner.queue from owner
join unnest($1::text[], $2::bigint[]) as held (queue, fence) using (queue, fence)
for share of owner;
