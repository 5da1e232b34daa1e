-- depends: 0002_suspects

-- Each tenant's decisions are the leaves of an append-only Merkle tree (RFC 9162, docs/audit.md). A trigger appends
-- them, so that it is done in the decision's own transaction whatever code inserts it.
--
-- tenant, leaf: which log, and the place in it, from 0 without gaps; set by the trigger.
-- by_capacity, by_person: who decided, where it wasn't the participant.
alter table decision
    add column tenant uuid,
    add column leaf bigint,
    add column by_capacity text,
    add column by_person uuid,
    add constraint decision_by check ((by_capacity is null) = (by_person is null));

update decision set tenant = placed.tenant, leaf = placed.leaf
from (
    select d.conversation, d.id, c.tenant,
        row_number() over (partition by c.tenant order by d.at, d.conversation, d.epoch, d.id) - 1 as leaf
    from decision d join conversation c on c.id = d.conversation
) as placed
where decision.conversation = placed.conversation and decision.id = placed.id;

alter table decision
    alter column tenant set not null,
    alter column leaf set not null,
    add constraint decision_leaf unique (tenant, leaf);
create index decision_of_tenant on decision (tenant, id);

-- The hashes of complete subtrees: that of level l and index i is over the leaves from i × 2^l on, 2^l of them.
create table node (
    tenant uuid not null,
    level smallint not null,
    index bigint not null,
    hash bytea not null check (octet_length(hash) = 32),
    primary key (tenant, level, index)
);

-- Every checkpoint that was signed. What is signed next must be consistent with the last one.
create table checkpoint (
    tenant uuid not null,
    generation integer not null,
    size bigint not null,
    note text not null,
    primary key (tenant, generation, size)
);

-- A decision as its leaf's exact bytes: JSON as RFC 8785 wants it (members in order, no space). Ids, hashes, numbers and
-- times; no name and no text. What is null is left out, so that a column added here changes no leaf of before.
create function decision_entry(d decision) returns bytea language sql stable as $$
    select convert_to('{' || concat_ws(',',
        '"at":"' || to_char(d.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || '"',
        '"by":{"capacity":' || to_json(d.by_capacity) || ',"person":"' || d.by_person || '"}',
        '"conversation":"' || d.conversation || '"',
        '"decision":"' || case when d.is_grant then 'grant' else 'withdraw' end || '"',
        '"device":"' || encode(sha256(convert_to(d.device, 'UTF8')), 'hex') || '"',
        '"epoch":' || d.epoch,
        '"id":"' || d.id || '"',
        '"locale":' || to_json(d.locale),
        '"participant":"' || d.participant || '"',
        '"purpose":' || to_json(d.purpose),
        '"sha256":' || to_json(d.sha256),
        '"v":1',
        '"version":' || d.version,
        '"via":' || to_json(d.via)
    ) || '}', 'UTF8')
$$;

create function append_leaf(of_tenant uuid, at bigint, entry bytea) returns void language plpgsql as $$
declare
    sum bytea := sha256('\x00'::bytea || entry);
    beside bytea;
    height smallint := 0;
begin
    insert into node (tenant, level, index, hash) values (of_tenant, height, at, sum);
    while at & 1 = 1 loop
        select hash into strict beside from node where tenant = of_tenant and level = height and index = at - 1;
        sum := sha256('\x01'::bytea || beside || sum);
        height := height + 1;
        at := at >> 1;
        insert into node (tenant, level, index, hash) values (of_tenant, height, at, sum);
    end loop;
end
$$;

-- With the owner's rights: the service may insert decisions, and nothing into the tree.
create function append_decision() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    select tenant into strict new.tenant from conversation where id = new.conversation;
    perform pg_advisory_xact_lock(hashtextextended('consent log ' || new.tenant, 0));  -- one after the other
    select coalesce(max(index) + 1, 0) into new.leaf from node where tenant = new.tenant and level = 0;
    perform append_leaf(new.tenant, new.leaf, decision_entry(new));
    return new;
end
$$;

do $$
declare
    d decision;
begin
    for d in select * from decision order by tenant, leaf loop
        perform append_leaf(d.tenant, d.leaf, decision_entry(d));
    end loop;
end
$$;

create trigger append before insert on decision for each row execute function append_decision();

-- Whatever the role: nothing of the log is changed or taken away.
create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end
$$;

create trigger append_only before update or delete or truncate on decision
    for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on node
    for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on checkpoint
    for each statement execute function refuse_change();

-- Where these tables are: another cluster, database, table or line of time than the one written down means that they
-- were restored from a backup, which may have forgotten withdrawals.
create function incarnation() returns text language sql stable as $$
    select concat_ws('/',
        (select system_identifier from pg_control_system()),
        (select oid from pg_database where datname = current_database()),
        'decision'::regclass::oid,
        left(pg_walfile_name(pg_current_wal_lsn()), 8))
$$;
create table home (incarnation text not null);
insert into home select incarnation();

-- Begin a new generation, and withdraw whatever is granted for these purposes; how many that were. With the owner's
-- rights: it is about all tenants.
create function begin_generation(purposes text[]) returns table (generation integer, withdrawn bigint)
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    update home set incarnation = incarnation();
    update setting set value = value + 1 where name = 'generation' returning value into strict generation;
    with newest as (
        select distinct on (conversation, participant, purpose) conversation, participant, purpose, is_grant
        from decision where purpose = any (purposes)
        order by conversation, participant, purpose, epoch desc
    ), moved as (
        update conversation set last_at = greatest(last_at, date_trunc('milliseconds', clock_timestamp()))
        where id in (select conversation from newest where is_grant)
        returning id, tenant, last_at
    ), added as (
        insert into decision (conversation, id, participant, purpose, is_grant, epoch, at, via)
        select moved.id, gen_random_uuid(), participant, purpose, false, generation * 4294967296 + 1, last_at,
            'system: restored'
        from newest join moved on moved.id = newest.conversation
        where is_grant
        order by moved.tenant, last_at, moved.id
        returning 1
    )
    select count(*) into withdrawn from added;
    return next;
end
$$;
