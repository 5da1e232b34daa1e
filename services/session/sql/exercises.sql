-- name: lock_definitions!
select pg_advisory_xact_lock(hashtext('exercise_definition'));

-- name: tenants_with_exercises
select exercise_tenants() as tenant;

-- name: definition_bodies
select tenant, exercise, version, definition from exercise_definition;

-- name: withdraw_definitions!
update exercise_definition set offered = false where offered;

-- name: offer_definition!
insert into exercise_definition (tenant, exercise, version, offered, title, definition)
values ($1, $2, $3, true, $4, $5)
on conflict (tenant, exercise, version) do update set offered = true;

-- name: catalog
-- The newest version of each that is offered to a tenant.
select distinct on (exercise) tenant, definition from exercise_definition
where tenant = any($1::uuid[]) and offered and exercise > $2
order by exercise, version desc limit $3;

-- name: offered
-- A version, or the newest, of what a tenant may start.
select definition from exercise_definition
where tenant = any($1::uuid[]) and exercise = $2 and offered and ($3::int is null or version = $3)
order by version desc limit 1;

-- name: definition
-- What a run was started in, offered still or not.
select definition from exercise_definition where tenant = any($1::uuid[]) and exercise = $2 and version = $3;

-- name: insert_run!
insert into exercise_run
    (tenant, conversation, run, n, exercise, version, state, step, started_by, started_at, changed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10);

-- name: run
select r.*, d.title, d.definition from exercise_run r
join exercise_definition d on d.tenant = any($1::uuid[]) and d.exercise = r.exercise and d.version = r.version
where r.conversation = $2 and r.run = $3;

-- name: change_run!
update exercise_run set state = $3, step = $4, changed_at = $5 where conversation = $1 and run = $2;

-- name: list_runs
-- The page first, whatever the planner thinks of its size.
with page as materialized (
    select * from exercise_run
    where conversation = $2
        and (not $3 or state in ('running', 'paused'))
        and n < coalesce((select n from exercise_run where conversation = $2 and run = $4), 9223372036854775807)
    order by n desc limit $5
)
select page.*, d.title from page
join exercise_definition d on d.tenant = any($1::uuid[]) and d.exercise = page.exercise and d.version = page.version
order by page.n desc;

-- name: empty_answers!
delete from exercise_answer where conversation = $1;

-- name: empty_runs!
delete from exercise_run where conversation = $1;

-- name: insert_answer!
insert into exercise_answer (tenant, conversation, run, step, n) values ($1, $2, $3, $4, $5);

-- name: answers
-- Behind an n; the page ends where its contents grow too large.
select step, n, at, record, content, size from (
    select *, sum(octet_length(content)) over (order by n) as size from (
        select a.step, a.n, e.at, e.record, e.content
        from exercise_answer a join event e using (conversation, n)
        where a.conversation = $1 and a.run = $2 and a.n > $3 order by a.n limit $4
    ) as page
) as sized order by n;

-- name: series
-- The last runs of an exercise that have a rating, with both ratings as they came.
select r.run, r.version, r.state, r.started_at,
    eb.record as before_record, eb.content as before_content, ea.record as after_record, ea.content as after_content
from exercise_run r
join exercise_answer b on b.conversation = r.conversation and b.run = r.run and b.step = 'before'
join event eb on eb.conversation = b.conversation and eb.n = b.n
left join exercise_answer a on a.conversation = r.conversation and a.run = r.run and a.step = 'after'
left join event ea on ea.conversation = a.conversation and ea.n = a.n
where r.conversation = $1 and r.exercise = $2
order by r.n desc limit $3;
