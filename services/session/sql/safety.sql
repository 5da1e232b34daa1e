-- name: raise
select * from safety_raise where conversation = $1 and raised = $2;

-- name: count_open
select count(*) from safety_raise where conversation = $1 and sender = $2 and acknowledged_at is null;

-- name: insert_raise!
insert into safety_raise (tenant, conversation, raised, n, sender, raised_at, escalation)
values ($1, $2, $3, $4, $5, $6, $7);

-- name: acknowledge!
update safety_raise set acknowledged_at = $3, acknowledged_by = $4 where conversation = $1 and raised = $2;

-- name: escalate!
update safety_raise set escalated_at = $3 where conversation = $1 and raised = $2;

-- name: open_raises
select * from safety_raise where conversation = $1 and acknowledged_at is null order by n desc limit $2;

-- name: list_raises
-- The page ends where its contents grow too large.
select * from (
    select *, sum(coalesce(octet_length(content), 0)) over (order by n desc) as size from (
        select r.*, e.content
        from safety_raise r join event e on e.conversation = r.conversation and e.n = r.n
        where r.conversation = $1
            and (not $2 or r.acknowledged_at is null)
            and r.n < coalesce((select n from safety_raise where conversation = $1 and raised = $3), 9223372036854775807)
        order by r.n desc limit $4
    ) as page
) as sized order by n desc;

-- name: list_tenant_raises
-- The oldest first, without those of conversations that are erased. `$3`, `$4`: the last one that the asker has.
select r.*, case when r.sender = c.client then 'client' else 'therapist' end as role
from safety_raise r join conversation c on c.id = r.conversation
where r.tenant = $1
    and (not $2 or r.acknowledged_at is null)
    and c.erased_at is null
    and ($3::uuid is null or (r.raised_at, r.conversation, r.raised) > (
        select raised_at, conversation, raised from safety_raise
        where tenant = $1 and conversation = $3 and raised = $4))
order by r.raised_at, r.conversation, r.raised limit $5;

-- name: has_tenant_raise
select exists (select from safety_raise where tenant = $1 and conversation = $2 and raised = $3);

-- name: empty_raises!
delete from safety_raise where conversation = $1;

-- name: newest_plan
select coalesce(max(version), 0) from safety_plan where conversation = $1;

-- name: plan
select p.*, e.record, e.content
from safety_plan p join event e on e.conversation = p.conversation and e.n = p.n
where p.conversation = $1 and p.version = $2;

-- name: insert_plan!
insert into safety_plan (tenant, conversation, version, n, author, saved_at) values ($1, $2, $3, $4, $5, $6);

-- name: empty_plans!
delete from safety_plan where conversation = $1;

-- name: put_suitability!
insert into suitability (tenant, conversation, version, n, answered_at) values ($1, $2, $3, $4, $5)
on conflict (conversation) do update
    set version = excluded.version, n = excluded.n, answered_at = excluded.answered_at;

-- name: suitability
select s.*, e.record, e.content
from suitability s join event e on e.conversation = s.conversation and e.n = s.n
where s.conversation = $1;

-- name: empty_suitability!
delete from suitability where conversation = $1;
