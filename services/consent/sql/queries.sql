-- name: register!
-- Also that it is erased, which stays so.
insert into conversation (id, tenant, client, therapist, client_locale, therapist_locale, erased_at)
values ($1, $2, $3, $4, $5, $6, case when $7 then clock_timestamp() end)
on conflict (id) do update set client_locale = excluded.client_locale, therapist_locale = excluded.therapist_locale,
    erased_at = coalesce(conversation.erased_at, excluded.erased_at)
    where conversation.tenant = excluded.tenant;

-- name: conversation
select id, tenant, client, therapist, client_locale, therapist_locale, erased_at from conversation where id = $1;

-- name: tick
-- The conversation's row, locked, with the database's clock in milliseconds, which never goes back here.
update conversation set last_at = greatest(last_at, date_trunc('milliseconds', clock_timestamp())) where id = $1
returning last_at;

-- name: decision
select * from decision where conversation = $1 and id = $2;

-- name: current
-- The decision in force: the highest epoch wins.
select * from decision where conversation = $1 and participant = $2 and purpose = $3 order by epoch desc limit 1;

-- name: standing
-- What stood at a moment (null: now), and when each ends by itself. For each person and purpose one look at the end of
-- an index; the tenant is given, so that forms_of becomes a part of this statement and isn't one of its own.
with lapse as materialized (
    select purpose, version, older_lapse_at from forms_of($3) where older_lapse_at is not null
)
select who as participant, what as purpose, d.is_grant, d.epoch,
    coalesce($2, date_trunc('milliseconds', clock_timestamp())) as moment, least(d.expires_at, case when d.is_grant then
    (select min(older_lapse_at) from lapse l where l.purpose = what and l.version > d.version) end) as ends_at
from conversation c
cross join unnest(array[c.client, c.therapist]) as who
cross join unnest($4::text[]) as what
cross join lateral (
    select is_grant, epoch, version, expires_at from decision
    where conversation = c.id and participant = who and purpose = what and ($2::timestamptz is null or at <= $2)
    order by epoch desc limit 1
) as d
where c.id = $1;

-- name: page
-- A participant's newest decisions, in one conversation or all; those before the decision $5 of the conversation $4.
select conversation, id from decision
where tenant = $1 and participant = $2 and ($3::uuid is null or conversation = $3)
    and ($5::uuid is null or (at, leaf) < (select b.at, b.leaf from decision b where b.conversation = $4 and b.id = $5))
order by at desc, leaf desc limit $6;

-- name: record
-- Decisions with what became of them.
-- next_at: when the next decision followed; counts: what gateways let through and blocked while it stood.
with lapse as materialized (
    select purpose, version, older_lapse_at from forms_of($1) where older_lapse_at is not null
)
select d.*, least(d.expires_at, case when d.is_grant then
    (select min(older_lapse_at) from lapse l where l.purpose = d.purpose and l.version > d.version) end) as ends_at,
    next.at as next_at, c.client = d.participant as is_client, shown.title, u.*
from unnest($2::uuid[], $3::uuid[]) as asked (conversation, id)
join decision d on d.conversation = asked.conversation and d.id = asked.id
join conversation c on c.id = d.conversation
left join lateral (
    select at from decision n where n.conversation = d.conversation and n.participant = d.participant
        and n.purpose = d.purpose and n.epoch > d.epoch order by n.epoch limit 1
) as next on true
left join lateral (
    select title from form f
    where f.tenant in (d.tenant, '00000000-0000-0000-0000-000000000000')
        and f.purpose = d.purpose and f.version = d.version and f.sha256 = d.sha256 limit 1
) as shown on true
cross join lateral (
    select coalesce(sum(let_through), 0)::bigint as let_through, min(let_first_at) as let_first_at,
        max(let_last_at) as let_last_at, coalesce(sum(blocked), 0)::bigint as blocked,
        min(blocked_first_at) as blocked_first_at, max(blocked_last_at) as blocked_last_at
    from consent_use w where w.conversation = d.conversation and w.participant = d.participant
        and w.purpose = d.purpose and w.epoch = d.epoch
) as u
where d.tenant = $1
order by d.at, d.leaf;

-- name: due
-- The grants of these conversations that have ended by themselves, and that nothing followed.
select due.conversation, due.participant, due.purpose, due.epoch, d.expires_at <= clock_timestamp() as expired
from due join decision d using (conversation, participant, purpose, epoch)
where due.due_at <= clock_timestamp() and due.settled_at is null and due.conversation = any($1::uuid[])
order by due.conversation, due.participant, due.purpose;

-- name: due_held
-- The conversations, of all tenants, that this address hears of, and in which a grant has ended not long ago.
select conversation, tenant from due_held($1) order by tenant, conversation;

-- name: settled
-- What the system has withdrawn in these conversations not long ago.
select d.* from due join decision d using (conversation, participant, purpose, epoch)
where due.settled_at is not null and due.conversation = any($1::uuid[]);

-- name: settle!
update due set epoch = $4, settled_at = clock_timestamp() where conversation = $1 and participant = $2 and purpose = $3;

-- name: forget_settled!
delete from due where settled_at < clock_timestamp() - $1::interval;

-- name: set_due!
insert into due (tenant, conversation, participant, purpose, epoch, due_at)
select tenant, id, $2, $3, $4, $5 from conversation where id = $1
on conflict (conversation, participant, purpose) do update
    set epoch = excluded.epoch, due_at = excluded.due_at, settled_at = null;

-- name: clear_due!
delete from due where conversation = $1 and participant = $2 and purpose = $3;

-- name: lapse!
-- What a new version of a form ends: $1 tenant, $2 purpose, $3 version, $4 when.
insert into due (tenant, conversation, participant, purpose, epoch, due_at)
select d.tenant, d.conversation, d.participant, d.purpose, d.epoch, least(d.expires_at, $4)
from (
    select distinct on (conversation, participant) * from decision where tenant = $1 and purpose = $2
    order by conversation, participant, epoch desc
) as d
where d.is_grant and d.version < $3
on conflict (conversation, participant, purpose)
    do update set epoch = excluded.epoch, settled_at = null,
        due_at = case when due.settled_at is null then least(due.due_at, excluded.due_at) else excluded.due_at end;

-- name: tenants
select tenant from tenants() as tenant;

-- name: hold_forms
-- Nobody publishes before this transaction has ended.
select pg_advisory_xact_lock_shared(hashtextextended('consent forms', 0));

-- name: lock_forms
select pg_advisory_xact_lock(hashtextextended('consent forms', 0));

-- name: newest_forms
-- The newest version of each purpose, in all its languages.
select f.* from (
    select *, max(version) over (partition by purpose) as newest from forms_of($1)
) as f
where version = newest;

-- name: forms
select * from forms_of($1) order by purpose, version, locale;

-- name: form_by_hash
select * from forms_of($1) where sha256 = $2 order by purpose, version, locale limit 1;

-- name: form_version
select * from forms_of($1) where purpose = $2 and version = $3 order by locale;

-- name: own_forms
select * from form where tenant = $1 order by purpose, version, locale;

-- name: insert_form!
insert into form (tenant, purpose, version, locale, title, text, sha256, valid_days, older_lapse_at, published_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: now
select date_trunc('milliseconds', clock_timestamp());

-- name: count_use!
-- All in all since the run began: the higher count is the newer one.
insert into consent_use (tenant, conversation, participant, purpose, epoch, run, let_through, let_first_at, let_last_at,
    blocked, blocked_first_at, blocked_last_at)
select tenant, id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 from conversation where id = $1
on conflict (conversation, participant, purpose, epoch, run) do update set
    let_through = greatest(consent_use.let_through, excluded.let_through),
    let_first_at = coalesce(consent_use.let_first_at, excluded.let_first_at),
    let_last_at = greatest(consent_use.let_last_at, excluded.let_last_at),
    blocked = greatest(consent_use.blocked, excluded.blocked),
    blocked_first_at = coalesce(consent_use.blocked_first_at, excluded.blocked_first_at),
    blocked_last_at = greatest(consent_use.blocked_last_at, excluded.blocked_last_at);

-- name: decisions
select * from decision where conversation = $1 order by at, participant, purpose, epoch;

-- name: insert_decision!
insert into decision
    (conversation, id, participant, purpose, is_grant, version, sha256, locale, epoch, at, via, device,
    by_capacity, by_person, expires_at, decided_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16);

-- name: generation
select value from setting where name = 'generation';

-- name: hold_generation
-- Until the commit it doesn't rise: who restores waits, and withdraws what this transaction grants.
select pg_advisory_xact_lock_shared(hashtextextended('consent generation', 0));

-- name: log_size
select coalesce(max(index) + 1, 0) from node where tenant = $1 and level = 0;

-- name: log_nodes
select n.level, n.index, n.hash
from unnest($2::smallint[], $3::bigint[]) as wanted (level, index)
join node n on n.tenant = $1 and n.level = wanted.level and n.index = wanted.index;

-- name: log_entries
-- What is there, and what should be, at each place: neither knows of the other, so that whatever is missing shows.
select case when d.leaf is null then null else decision_entry(d) end as entry, n.hash
from generate_series($2::bigint, $3::bigint) as place
left join decision d on d.tenant = $1 and d.leaf = place
left join node n on n.tenant = $1 and n.level = 0 and n.index = place
order by place;

-- name: log_leaves
-- A client chooses its decisions' ids, which are unique in a conversation only.
select d.leaf, decision_entry(d) as entry from decision d
where d.tenant = $1 and d.id = $2 and ($3::uuid is null or d.conversation = $3) limit 2;

-- name: last_checkpoint
select note from checkpoint where tenant = $1 and generation = $2 order by size desc limit 1;

-- name: insert_checkpoint!
insert into checkpoint (tenant, generation, size, note) values ($1, $2, $3, $4) on conflict do nothing;

-- name: is_restored
select incarnation() <> home.incarnation from home;

-- name: lock_generation
select pg_advisory_xact_lock(hashtextextended('consent generation', 0));

-- name: begin_generation
select * from begin_generation($1);
