-- name: span
-- From its first n to its last, or as far as it has come.
select id, started_n, started_at, ended_n, ended_at from session where conversation = $1 and id = $2;

-- name: symbols_used
-- Uses belong to the symbol that the emoji was at that time.
select s.symbol, u.author, count(*) as uses
from symbol s
join emoji_use u on u.conversation = s.conversation and u.emoji = s.emoji
where s.conversation = $1 and u.n between $2 and $3 and u.n > s.n and (s.retired_at is null or u.at < s.retired_at)
group by s.symbol, s.n, u.author order by s.n, u.author limit $4;

-- name: exercises_done
-- Started, or gone on with.
select r.run, r.exercise, r.version, r.state,
    eb.record as before_record, eb.content as before_content, ea.record as after_record, ea.content as after_content
from exercise_run r
left join exercise_answer b on b.conversation = r.conversation and b.run = r.run and b.step = 'before'
left join event eb on eb.conversation = b.conversation and eb.n = b.n
left join exercise_answer a on a.conversation = r.conversation and a.run = r.run and a.step = 'after'
left join event ea on ea.conversation = a.conversation and ea.n = a.n
where r.conversation = $1 and r.run in (
    select (data ->> 'run')::uuid from event
    where conversation = $1 and n between $2 and $3 and record is not null and kind like 'exercise.%'
)
order by r.n limit $4;

-- name: agreements_touched
select agreement, state, how from agreement
where conversation = $1 and agreement in (
    select (data ->> 'agreement')::uuid from event
    where conversation = $1 and n between $2 and $3 and record is not null and kind like 'agreement.%'
)
order by n limit $4;

-- name: checks_open
select check_id, message, state, round from attunement
where conversation = $1 and n between $2 and $3 and state in ('asked', 'reflected') order by n limit $4;
