-- name: set_left!
update conversation set left_by = $2 where id = $1;

-- name: insert_report!
insert into report (tenant, conversation, report, participant, reason, at, content) values ($1, $2, $3, $4, $5, $6, $7);

-- name: list_reports
-- None that this transaction itself has written: they have no number yet.
select * from report where tenant = $1 and number > $2 order by number limit $3;

-- name: empty_reports!
-- That there was one stays.
update report set content = null where conversation = $1;

-- name: absence
select a.until, a.timer, e.at, e.record, e.content
from absence a join event e on e.conversation = a.conversation and e.n = a.n
where a.conversation = $1;

-- name: set_absence!
insert into absence (tenant, conversation, n, until, timer) values ($1, $2, $3, $4, $5)
on conflict (conversation) do update set n = excluded.n, until = excluded.until, timer = excluded.timer;

-- name: clear_absence!
delete from absence where conversation = $1;

-- name: set_quiet!
insert into quiet_hours (tenant, conversation, participant, starts, ends, zone) values ($1, $2, $3, $4, $5, $6)
on conflict (conversation, participant) do update
    set starts = excluded.starts, ends = excluded.ends, zone = excluded.zone;

-- name: clear_quiet!
delete from quiet_hours where conversation = $1 and participant = $2;

-- name: quiet
select starts, ends, zone from quiet_hours where conversation = $1 and participant = $2;

-- name: quiet_of_all
select starts, ends, zone from quiet_hours where conversation = $1;

-- name: empty_quiet!
delete from quiet_hours where conversation = $1;
