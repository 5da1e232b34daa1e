-- name: planned
select * from planned_message where conversation = $1 and message = $2;

-- name: waiting
select * from planned_message
where conversation = $1 and author = $2 and state = 'waiting' order by send_at, message limit $3;

-- name: count_waiting
select count(*) from planned_message where conversation = $1 and author = $2 and state = 'waiting';

-- name: plan!
insert into planned_message
    (tenant, conversation, message, author, state, wording, send_at, in_reply_to, timer, command)
values ($1, $2, $3, $4, 'waiting', $5, $6, $7, $8, $9)
on conflict (conversation, message) do update
    set wording = excluded.wording, send_at = excluded.send_at, in_reply_to = excluded.in_reply_to,
        timer = excluded.timer, command = excluded.command;

-- name: end_planned!
update planned_message set state = $3, command = null where conversation = $1 and message = $2;

-- name: empty_planned!
delete from planned_message where conversation = $1;

-- name: own_request
select fingerprint, at from own_request where conversation = $1 and record = $2;

-- name: insert_own_request!
insert into own_request (tenant, conversation, record, fingerprint, at) values ($1, $2, $3, $4, $5);

-- name: empty_own_requests!
delete from own_request where conversation = $1;
