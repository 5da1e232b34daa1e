-- name: made!
-- What a request did, if it was carried out before: under its own id and the ids that follow from it.
select n, kind, at, sender, record, data, content, fingerprint from event
where conversation = $1 and record = any($2::uuid[]) order by n;

-- name: insert_record!
insert into event (tenant, conversation, n, kind, at, sender, record, data, fingerprint, content, about)
select tenant, id, $2, $3, $4, $5, $6, $7, $8, $9, $10 from conversation where id = $1;

-- name: insert_uses!
-- What one message used, all at once.
insert into event (tenant, conversation, n, kind, at, sender, record, data, about)
select c.tenant, c.id, used.n, $2, $3, $4, used.record, used.data, $5
from conversation c cross join unnest($6::bigint[], $7::uuid[], $8::jsonb[]) as used (n, record, data)
where c.id = $1;

-- name: records_after
-- As messages in history: the page ends where its contents grow too large.
select n, kind, at, sender, record, data, content, size from (
    select *, sum(coalesce(octet_length(content), 0)) over (order by n) as size from (
        select * from event where conversation = $1 and record is not null and n > $2 order by n limit $3
    ) as page
) as sized order by n;

-- name: records_before
select n, kind, at, sender, record, data, content, size from (
    select *, sum(coalesce(octet_length(content), 0)) over (order by n desc) as size from (
        select * from event where conversation = $1 and record is not null and n < $2 order by n desc limit $3
    ) as page
) as sized order by n desc;

-- name: message
select n, seq, sender, intervention, octet_length(content) = 0 as deleted from event
where conversation = $1 and message = $2;

-- name: take_back!
update event set content = '', words = null where conversation = $1 and message = $2;

-- name: take_back_emoji!
-- Of the records about it: which emoji they had.
update event set content = null, data = (data - 'symbol') || '{"deleted": true}'
where conversation = $1 and about = $2 and kind in ('reaction.added', 'reaction.removed', 'symbol.used');

-- name: set_intervention!
update event set intervention = $3 where conversation = $1 and message = $2;
