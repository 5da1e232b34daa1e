-- name: begin!
-- The row of a whole conversation, where there is none yet.
insert into pacing (tenant, conversation, scope, state)
select c.tenant, c.id, c.id, '{}' from conversation c where c.id = any($1::uuid[])
on conflict do nothing;

-- name: lock_wholes!
-- The rows of whole conversations that nobody else is at, with what is needed to go on.
select p.conversation, p.upto, p.state, c.tenant, c.client, c.therapist, c.last_seq,
       (extract(epoch from clock_timestamp()) * 1000)::bigint as now_ms, s.offer_share, t.locale,
       c.erased_at is not null as erased
from pacing p
join conversation c on c.id = p.conversation
join participant t on t.id = c.therapist
left join pacing_setting s on s.tenant = c.tenant
where p.conversation = any($1::uuid[]) and p.scope = p.conversation
order by p.conversation for update of p skip locked;

-- name: lock_whole
-- The same for one conversation, waiting for whoever is at it.
select p.conversation, p.upto, p.state, c.tenant, c.client, c.therapist, c.last_seq,
       (extract(epoch from clock_timestamp()) * 1000)::bigint as now_ms, s.offer_share, t.locale,
       c.erased_at is not null as erased
from pacing p
join conversation c on c.id = p.conversation
join participant t on t.id = c.therapist
left join pacing_setting s on s.tenant = c.tenant
where p.conversation = any($1::uuid[]) and p.scope = p.conversation
order by p.conversation for update of p;

-- name: said
-- Messages behind what a tally has, with the session that ran then. One way by keys for each conversation.
select a.conversation, e.seq, e.n, e.sender, (extract(epoch from e.at) * 1000)::bigint as at_ms, e.intervention,
       coalesce(e.words, 0) as words, octet_length(e.content) = 0 as deleted,
       case when s.ended_n is null or e.n < s.ended_n then s.id end as session
from unnest($1::uuid[], $2::bigint[]) as a (conversation, upto)
cross join lateral (
    select * from event e where e.conversation = a.conversation and e.seq > a.upto order by e.seq limit $3
) as e
left join lateral (
    select id, ended_n from session s
    where s.conversation = a.conversation and s.started_n < e.n order by s.started_n desc limit 1
) as s on true
order by a.conversation, e.seq;

-- name: message
select e.seq, e.n, e.sender, (extract(epoch from e.at) * 1000)::bigint as at_ms, e.intervention,
       coalesce(e.words, 0) as words, octet_length(e.content) = 0 as deleted,
       case when s.ended_n is null or e.n < s.ended_n then s.id end as session
from event e
left join lateral (
    select id, ended_n from session s
    where s.conversation = e.conversation and s.started_n < e.n order by s.started_n desc limit 1
) as s on true
where e.conversation = $1 and e.message = $2;

-- name: states
select conversation, scope, state from pacing p
join unnest($1::uuid[], $2::uuid[]) as asked (conversation, scope) using (conversation, scope)
for update of p;

-- name: keep_states!
insert into pacing (tenant, conversation, scope, upto, state)
select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::jsonb[])
on conflict (conversation, scope) do update set upto = excluded.upto, state = excluded.state;

-- name: keep_turns!
insert into turn (tenant, conversation, scope, seq, client, at_ms, messages, words, reply_ms)
select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::boolean[], $6::bigint[], $7::integer[],
                     $8::integer[], $9::bigint[])
on conflict (conversation, scope, seq) do update
    set messages = excluded.messages, words = excluded.words, reply_ms = excluded.reply_ms;

-- name: drop_turns!
delete from turn where conversation = $1 and scope = $2 and seq = any($3::bigint[]);

-- name: turns_until
-- The turn that a message is in, and the one before it.
select seq, client, at_ms, messages, words, reply_ms from turn
where conversation = $1 and scope = $2 and seq <= $3 order by seq desc limit 2;

-- name: turns_after
select seq, client, at_ms, messages, words, reply_ms from turn
where conversation = $1 and scope = $2 and seq > $3 order by seq limit 2;

-- name: next_in_turn
-- The message behind this one that isn't deleted; if this one's turn goes on, it is of the same turn.
select seq, (extract(epoch from at) * 1000)::bigint as at_ms from event
where conversation = $1 and seq > $2 and octet_length(content) > 0 order by seq limit 1;

-- name: longest_run
select max(words) from turn where conversation = $1 and scope = $2 and client = $3;

-- name: recent
select sender, words from event
where conversation = $1 and seq <= $2 and words > 0 and octet_length(content) > 0 order by seq desc limit 200;

-- name: medians
-- Where each median is was told by counts; the order of the index says what it is.
select a.place, (
    select array_agg(reply_ms) from (
        select t.reply_ms from turn t
        where t.conversation = a.conversation and t.scope = a.scope and t.client = a.client and t.reply_ms >= a.from_ms
        order by t.reply_ms offset a.skip limit a.count
    ) as found
) as found
from unnest($1::integer[], $2::uuid[], $3::uuid[], $4::boolean[], $5::bigint[], $6::integer[], $7::integer[])
    as a (place, conversation, scope, client, from_ms, skip, count);

-- name: sessions
-- Sessions, newest first, behind the session $2 where it is given.
select s.id, s.started_at, s.ended_at, p.state from session s
left join pacing p on p.conversation = s.conversation and p.scope = s.id
where s.conversation = $1
  and ($2::uuid is null
       or s.started_n < (select b.started_n from session b where b.conversation = $1 and b.id = $2))
order by s.started_n desc limit $3;

-- name: session_state
select s.id, s.ended_at, p.state from session s
left join pacing p on p.conversation = s.conversation and p.scope = s.id
where s.conversation = $1 and s.id = $2;

-- name: running
select conversation, id, started_at from session where conversation = any($1::uuid[]) and ended_at is null;

-- name: empty_turns!
delete from turn where conversation = $1;

-- name: empty_states!
delete from pacing where conversation = $1;

-- name: set_share!
insert into pacing_setting (tenant, offer_share) values ($1, $2)
on conflict (tenant) do update set offer_share = excluded.offer_share;
