-- name: lock_heads!
-- The heads of conversations that are about to grow, locked in one order, with the database's clock. Not `for update`: the
-- pacer, which holds a tally that this transaction may want next, inserts rows that refer to the conversation.
select id, tenant, client, therapist, last_seq, last_n, last_at, left_by, erased_at, erased_by,
       erasure_done_at, clock_timestamp() as now
from conversation where id = any($1::uuid[]) order by id for no key update;

-- name: read_heads
select id, tenant, client, therapist, last_seq, last_n, last_at, left_by, erased_at, erased_by,
       erasure_done_at, clock_timestamp() as now
from conversation where id = any($1::uuid[]);

-- name: known_messages!
-- Messages that exist already under these ids.
select asked.conversation, asked.message, known.seq, known.n, known.at, known.fingerprint, known.deleted
from unnest($1::uuid[], $2::uuid[]) as asked (conversation, message)
cross join lateral (
    select seq, n, at, fingerprint, octet_length(content) = 0 as deleted from event e
    where e.conversation = asked.conversation and e.message = asked.message limit 1
) as known;

-- name: insert_messages!
-- Messages and the heads that they raise, in one statement.
with new as (
    select * from unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::bigint[], $5::uuid[], $6::uuid[], $7::uuid[],
                         $8::text[], $9::bytea[], $10::integer[], $11::uuid[])
        as given (conversation, n, at, seq, message, sender, in_reply_to, fingerprint, content, words, tenant)
), inserted as (
    insert into event (tenant, conversation, n, kind, at, seq, message, sender, in_reply_to, fingerprint, content, words)
    select tenant, conversation, n, 'message.posted', at, seq, message, sender, in_reply_to, fingerprint, content, words
    from new
), used as (
    insert into emoji_use (tenant, conversation, emoji, n, at, message, seq, author, reaction)
    select new.tenant, new.conversation, u.emoji, new.n, new.at, new.message, new.seq, new.sender, false
    from unnest($12::uuid[], $13::bigint[], $14::bytea[]) as u (conversation, n, emoji)
    join new on new.conversation = u.conversation and new.n = u.n
)
update conversation set last_seq = head.seq, last_n = head.n, last_at = head.at
from (select conversation, max(seq) as seq, max(n) as n, max(at) as at from new group by conversation) as head
where conversation.id = head.conversation;

-- name: append_messages
-- Messages to conversations whose heads are known, by one statement that is its own transaction. Rows: those that grew.
select grown, grown_at from append_messages($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16);

-- name: insert_session_fact!
insert into event (tenant, conversation, n, kind, at, session)
select tenant, id, $2, $3, $4, $5 from conversation where id = $1;

-- name: raise_head!
update conversation set last_n = $2, last_at = $3 where id = $1;

-- name: facts_after_n!
-- One page of what was missed; it ends where the contents grow past $4 bytes, but has one row at least.
select n, kind, at, seq, message, sender, in_reply_to, session, content, record, data, intervention, size from (
    select *, sum(coalesce(octet_length(content), 0)) over (order by n) as size from (
        select * from event where conversation = $1 and n > $2 and n <= $3 order by n limit 201
    ) as page
) as sized order by n;

-- name: facts_after_seq
select n, kind, at, seq, message, sender, in_reply_to, session, content, record, data, intervention, size from (
    select *, sum(octet_length(content)) over (order by seq) as size from (
        select * from event where conversation = $1 and seq > $2 and n <= $3 order by seq limit 201
    ) as page
) as sized order by n;

-- name: history_after
select n, kind, at, seq, message, sender, in_reply_to, session, content, record, data, intervention, size from (
    select *, sum(octet_length(content)) over (order by seq) as size from (
        select * from event where conversation = $1 and seq > $2 order by seq limit $3
    ) as page
) as sized order by seq;

-- name: history_before
select n, kind, at, seq, message, sender, in_reply_to, session, content, record, data, intervention, size from (
    select *, sum(octet_length(content)) over (order by seq desc) as size from (
        select * from event where conversation = $1 and seq < $2 order by seq desc limit $3
    ) as page
) as sized order by seq desc;

-- name: upsert_participant!
-- The same external id is the same person; the newest name wins. No row: the person has another role.
insert into participant (id, tenant, role, external_hmac, locale, profile) values ($1, $2, $3, $4, $5, $6)
on conflict (tenant, external_hmac) do update
    set profile = excluded.profile, locale = coalesce(excluded.locale, participant.locale)
    where participant.role = excluded.role
returning id, locale;

-- name: insert_conversation
insert into conversation (id, tenant, region, external_hmac, client, therapist, created_by, created_at, last_at)
select $1, $2, $3, $4, $5, $6, $7, moment, moment from (select date_trunc('milliseconds', clock_timestamp()) as moment) as c
on conflict do nothing returning id;

-- name: conversation
select c.id, c.tenant, c.region, c.client, c.therapist, c.created_at, c.last_seq, c.last_n, c.created_by, c.left_by,
       c.erased_at, c.erased_by, c.erasure_done_at,
       a.profile as client_profile, a.locale as client_locale, a.external_hmac as client_hmac,
       b.profile as therapist_profile, b.locale as therapist_locale, b.external_hmac as therapist_hmac
from conversation c
join participant a on a.id = c.client
join participant b on b.id = c.therapist
where c.id = $1;

-- name: conversation_by_external
select id from conversation where tenant = $1 and external_hmac = $2;

-- name: lock_participant!
-- Serialises a listing with the creation of a conversation for the same person: neither overlooks the other.
select id from participant where id = $1 and tenant = $2 for update;

-- name: list_conversations!
-- Newest first, behind the conversation $2 where it is given.
select c.id from conversation c
where $1 in (c.client, c.therapist) and c.erased_at is null
  and ($2::uuid is null
       or (c.created_at, c.id) < (select b.created_at, b.id from conversation b where b.id = $2))
order by c.created_at desc, c.id desc limit $3;

-- name: reads
select participant, seq from read_mark where conversation = $1;

-- name: raise_read!
-- Only rises; no row: it was there already.
insert into read_mark (tenant, conversation, participant, seq)
select tenant, id, $2, $3 from conversation where id = $1
on conflict (conversation, participant) do update set seq = excluded.seq where read_mark.seq < excluded.seq
returning seq;

-- name: running_session
select id, started_n, started_at from session where conversation = $1 and ended_at is null;

-- name: session
select id, started_n, started_at from session where conversation = $1 and id = $2;

-- name: start_session!
insert into session (tenant, conversation, id, started_n, started_at)
select tenant, id, $2, $3, $4 from conversation where id = $1;

-- name: end_session!
update session set ended_n = $3, ended_at = $4, ended_by = $5 where conversation = $1 and id = $2;

-- name: session_ended_by
select id as session, ended_n as n, ended_at as at from session where conversation = $1 and ended_by = $2;

-- name: begin_composition!
-- By the database's clock, as every time of a conversation.
insert into composition (tenant, conversation, draft, author, begun_at)
select tenant, id, $2, $3, date_trunc('milliseconds', clock_timestamp()) - $4::bigint * interval '1 millisecond'
from conversation where id = $1
on conflict do nothing;

-- name: composition
select c.draft, c.author, c.begun_at, c.opened, c.deleted, e.seq,
       (select coalesce(sum(p.ops), 0) from composition_part p
        where p.conversation = c.conversation and p.draft = c.draft) as ops,
       (select count(*) from composition_mark m
        where m.conversation = c.conversation and m.draft = c.draft and m.author = $3) as marks
from composition c
left join event e on e.conversation = c.conversation and e.message = c.draft
where c.conversation = $1 and c.draft = $2;

-- name: keep_part!
-- A part only grows: what was overtaken on the way changes nothing. Beyond $7 parts no more of a draft is kept.
insert into composition_part (tenant, conversation, draft, run, number, ops, content)
select c.tenant, c.id, $2, $3, $4, $5, $6 from conversation c
where c.id = $1 and (
    (select count(*) from composition_part where conversation = $1 and draft = $2) < $7
    or exists (select from composition_part where conversation = $1 and draft = $2 and run = $3 and number = $4)
)
on conflict (conversation, draft, run, number) do update
    set ops = excluded.ops, content = excluded.content where composition_part.ops < excluded.ops;

-- name: parts
-- Runs in the order in which they came, the parts of each by number.
select run, number, content from composition_part p
where conversation = $1 and draft = $2
order by (select min(place) from composition_part f
          where f.conversation = p.conversation and f.draft = p.draft and f.run = p.run), number;

-- name: list_compositions
select c.draft, c.author, c.begun_at, c.opened, c.deleted, e.seq,
       (select coalesce(sum(p.ops), 0) from composition_part p
        where p.conversation = c.conversation and p.draft = c.draft) as ops,
       (select count(*) from composition_mark m
        where m.conversation = c.conversation and m.draft = c.draft and m.author = $2) as marks
from composition c
left join event e on e.conversation = c.conversation and e.message = c.draft
where c.conversation = $1 and not c.deleted
  and ($3::uuid is null
       or (c.begun_at, c.draft) < (select b.begun_at, b.draft from composition b where b.conversation = $1 and b.draft = $3))
order by c.begun_at desc, c.draft desc limit $4;

-- name: open_composition!
update composition set opened = true where conversation = $1 and draft = $2;

-- name: delete_compositions!
-- One of an author's, or all.
update composition set deleted = true where conversation = $1 and author = $2 and ($3::uuid is null or draft = $3);

-- name: delete_marks!
delete from composition_mark m using composition c
where m.conversation = $1 and c.conversation = $1 and c.draft = m.draft and c.deleted and c.author = $2;

-- name: delete_parts!
delete from composition_part p using composition c
where p.conversation = $1 and c.conversation = $1 and c.draft = p.draft and c.deleted and c.author = $2;

-- name: mark
select fingerprint from composition_mark where conversation = $1 and mark = $2;

-- name: insert_mark!
insert into composition_mark (tenant, conversation, mark, draft, author, at_op, at, fingerprint, content)
select tenant, id, $2, $3, $4, $5, date_trunc('milliseconds', clock_timestamp()), $6, $7
from conversation where id = $1;

-- name: marks
select mark, at_op, at, content from composition_mark
where conversation = $1 and draft = $2 and author = $3 order by at_op, at limit $4;

-- name: begin_erasure!
update conversation set erased_at = date_trunc('milliseconds', clock_timestamp()), erased_by = $2 where id = $1
returning erased_at;

-- name: keys_to_destroy
-- Of all tenants.
select id, tenant from keys_to_destroy($1);

-- name: keys_destroyed!
update conversation set keys_destroyed_at = clock_timestamp() where id = $1 and keys_destroyed_at is null;

-- name: contents_to_empty
-- Of all tenants.
select id, tenant from contents_to_empty($1, $2);

-- name: empty_messages!
-- What nobody can read any more isn't kept either. Ids, order and times stay.
update event set content = case when content is null then null else ''::bytea end, fingerprint = null, data = null,
    words = null, intervention = null
where conversation = $1 and n in (
    select n from event
    where conversation = $1 and (octet_length(content) > 0 or fingerprint is not null or data is not null)
    order by n limit $2
);

-- name: empty_parts!
delete from composition_part where (conversation, draft, run, number) in (
    select conversation, draft, run, number from composition_part where conversation = $1 limit $2
);

-- name: empty_marks!
update composition_mark set content = '', fingerprint = '' where conversation = $1 and octet_length(content) > 0;

-- name: lock_people
-- A conversation's two people, in the order in which they are made: who makes another conversation of one of them waits,
-- or is waited for.
select id from participant
where id in (select unnest(array[client, therapist]) from conversation where id = $1) order by external_hmac for update;

-- name: empty_people!
-- Who of them is in no other conversation any more has no name and no external id left, and is never found again.
update participant p set profile = '', external_hmac = 'erased ' || p.id
where p.id in (select unnest(array[client, therapist]) from conversation where id = $1)
  and not exists (
      select from conversation o where p.id in (o.client, o.therapist) and o.erased_at is null
  );

-- name: erasure_done!
update conversation set erasure_done_at = date_trunc('milliseconds', clock_timestamp())
where id = $1 and erasure_done_at is null;
