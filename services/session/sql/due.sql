-- name: put!
insert into due (tenant, conversation, record, at, command) values ($1, $2, $3, $4, $5)
on conflict (conversation, record) do update set at = excluded.at, command = excluded.command;

-- name: take_out!
delete from due where conversation = $1 and record = $2;

-- name: empty_due!
delete from due where conversation = $1;

-- name: came_due
select tenant, conversation, record from came_due($1);

-- name: take_in_hand
-- Whoever else looks at the same moment leaves these out.
select conversation, record, command from due
join unnest($1::uuid[], $2::uuid[]) as came (conversation, record) using (conversation, record)
where at <= now() order by at for update of due skip locked;

-- name: sent!
delete from due using unnest($1::uuid[], $2::uuid[]) as done (conversation, record)
where due.conversation = done.conversation and due.record = done.record;
