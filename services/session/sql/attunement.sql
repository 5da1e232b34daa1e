-- name: check
select check_id, message, author, state, round from attunement where conversation = $1 and check_id = $2;

-- name: open_check
select check_id, message, author, state, round from attunement
where conversation = $1 and message = $2 and state in ('asked', 'reflected');

-- name: insert_check!
insert into attunement (tenant, conversation, check_id, n, message, author, state, round, session)
values ($1, $2, $3, $4, $5, $6, $7, $8, (select id from session where conversation = $2 and ended_at is null));

-- name: change_check!
update attunement set state = $3, round = $4 where conversation = $1 and check_id = $2;

-- name: insert_said!
insert into attunement_said (tenant, conversation, check_id, n) values ($1, $2, $3, $4);

-- name: list_checks
-- The last checks before $2, newest first; $3: only open ones.
select c.check_id, c.n, c.message, c.author, c.state, c.round, c.session, e.sender, e.at, m.seq
from (
    select * from attunement
    where conversation = $1 and n < $2 and (not $3 or state in ('asked', 'reflected')) order by n desc limit $4
) as c
join event e on e.conversation = c.conversation and e.n = c.n
join event m on m.conversation = c.conversation and m.message = c.message
order by c.n desc;

-- name: said
-- The last $3 things said in each of these checks, and how many there are.
select c.check_id, e.n, e.kind, e.at, e.sender, e.record, e.data, e.content, c.count from (
    select check_id, conversation, n, count(*) over each as count, row_number() over (each order by n desc) as place
    from attunement_said where conversation = $1 and check_id = any($2::uuid[])
    window each as (partition by check_id)
) as c
join event e on e.conversation = c.conversation and e.n = c.n
where c.place <= $3 order by e.n;

-- name: attunement_figures
-- How many checks of each session are in each state, and in which round; in the order of the sessions' last checks.
select session, state, round, checks from (
    select session, state, round, count(*) as checks, max(max(n)) over (partition by session) as last_n
    from attunement where conversation = $1 group by session, state, round
) as grouped order by last_n, session, state, round;

-- name: empty_said!
delete from attunement_said where conversation = $1;

-- name: empty_checks!
delete from attunement where conversation = $1;
