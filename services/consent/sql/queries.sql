-- name: register!
insert into conversation (id, tenant, client, therapist, client_locale, therapist_locale)
values ($1, $2, $3, $4, $5, $6)
on conflict (id) do update set client_locale = excluded.client_locale, therapist_locale = excluded.therapist_locale
    where conversation.tenant = excluded.tenant;

-- name: conversation
select id, tenant, client, therapist, client_locale, therapist_locale from conversation where id = $1;

-- name: tick
-- The conversation's row, locked, with the database's clock in milliseconds, which never goes back here.
update conversation set last_at = greatest(last_at, date_trunc('milliseconds', clock_timestamp())) where id = $1
returning last_at;

-- name: decision
select * from decision where conversation = $1 and id = $2;

-- name: current
-- The decision in force: the highest epoch wins.
select * from decision where conversation = $1 and participant = $2 and purpose = $3 order by epoch desc limit 1;

-- name: in_force
select distinct on (participant, purpose) * from decision where conversation = $1
order by participant, purpose, epoch desc;

-- name: decisions
select * from decision where conversation = $1 order by at, participant, purpose, epoch;

-- name: insert_decision!
insert into decision
    (conversation, id, participant, purpose, is_grant, version, sha256, locale, epoch, at, via, device)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- name: generation
select value from setting where name = 'generation';
