-- name: agreement
select * from agreement where conversation = $1 and agreement = $2;

-- name: propose!
insert into agreement
    (tenant, conversation, agreement, n, state, wording, worded_n, author, until, remind_at, remind_zone, changed_at)
values ($1, $2, $3, $4, 'proposed', 1, $4, $5, $6, $7, $8, $9);

-- name: revise!
update agreement
set wording = $3, worded_n = $4, author = $5, until = $6, remind_at = $7, remind_zone = $8, changed_at = $9
where conversation = $1 and agreement = $2;

-- name: change!
update agreement set state = $3, reminder = $4, how = coalesce($5, how), changed_at = $6
where conversation = $1 and agreement = $2;

-- name: empty_agreements!
delete from agreement where conversation = $1;

-- name: list_agreements
-- The page ends where its contents grow too large.
with page as materialized (
    select * from agreement
    where conversation = $1
        and (not $2 or state in ('proposed', 'agreed'))
        and n < coalesce((select n from agreement where conversation = $1 and agreement = $3), 9223372036854775807)
    order by n desc limit $4
)
select page.*, e.record as worded, e.content, sum(octet_length(e.content)) over (order by page.n desc) as size
from page join event e on e.conversation = page.conversation and e.n = page.worded_n
order by page.n desc;

-- name: to_look_at_again
-- What is agreed and whose time has come, the oldest first.
select agreement from agreement
where conversation = $1 and state = 'agreed' and (until is null or until <= $2) order by n limit $3;
