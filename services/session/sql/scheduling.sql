-- name: scheduled
select * from scheduled_session where conversation = $1 and session = $2;

-- name: schedule!
insert into scheduled_session
    (tenant, conversation, session, n, state, revision, at_local, zone, minutes, starts_at, grace, timer, changed_at)
values ($1, $2, $3, $4, 'scheduled', 1, $5, $6, $7, $8, $9, $10, $11);

-- name: reschedule!
update scheduled_session
set revision = $3, at_local = $4, zone = $5, minutes = $6, starts_at = $7, grace = $8, timer = $9, changed_at = $10
where conversation = $1 and session = $2;

-- name: change_scheduled!
update scheduled_session set state = $3, held_as = $4, changed_at = $5 where conversation = $1 and session = $2;

-- name: begun_now
-- The one that a session is, which starts now without naming it: the next of those whose time has come, or nearly.
select * from scheduled_session
where conversation = $1 and state = 'scheduled' and starts_at <= $2::timestamptz + interval '15 minutes'
order by starts_at limit 1;

-- name: list_scheduled
select * from scheduled_session
where conversation = $1
    and (not $2 or state = 'scheduled')
    and n < coalesce((select n from scheduled_session where conversation = $1 and session = $3), 9223372036854775807)
order by n desc limit $4;

-- name: empty_scheduled!
delete from scheduled_session where conversation = $1;
