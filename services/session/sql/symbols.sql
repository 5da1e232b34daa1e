-- name: lexicons
-- The symbols in use, by emoji.
select conversation, emoji, symbol from symbol where conversation = any($1::uuid[]) and retired_at is null;

-- name: symbol
select symbol, proposer, revision, agreed, retired_at is not null as retired from symbol
where conversation = $1 and symbol = $2;

-- name: symbol_in_use
select symbol, proposer, revision, agreed, false as retired from symbol
where conversation = $1 and emoji = $2 and retired_at is null;

-- name: count_alive
select count(*) from symbol where conversation = $1 and retired_at is null;

-- name: insert_symbol!
insert into symbol (tenant, conversation, symbol, emoji, n, proposer, revision) values ($1, $2, $3, $4, $5, $6, 1);

-- name: insert_wording!
insert into symbol_wording (tenant, conversation, symbol, revision, n) values ($1, $2, $3, $4, $5);

-- name: agree_wording!
update symbol_wording set agreed_at = $4 where conversation = $1 and symbol = $2 and revision = $3;

-- name: change_symbol!
update symbol set proposer = $3, revision = $4, agreed = $5, retired_at = $6 where conversation = $1 and symbol = $2;

-- name: list_symbols
-- In the order in which they were defined, behind the symbol $2 where it is given: each with its first wording (which has
-- the emoji), the one in force, and the newest.
select s.symbol, s.proposer, s.revision, s.agreed, s.retired_at, first.content as first_content,
       f.revision as force_revision, f.agreed_at as force_agreed_at, force.record as force_record,
       force.sender as force_author, force.at as force_at, force.content as force_content,
       newest.record as newest_record, newest.at as newest_at, newest.content as newest_content
from symbol s
join event first on first.conversation = s.conversation and first.n = s.n
join symbol_wording f
    on f.conversation = s.conversation and f.symbol = s.symbol and f.revision = coalesce(s.agreed, s.revision)
join event force on force.conversation = s.conversation and force.n = f.n
join symbol_wording w on w.conversation = s.conversation and w.symbol = s.symbol and w.revision = s.revision
join event newest on newest.conversation = s.conversation and newest.n = w.n
where s.conversation = $1
  and ($2::uuid is null or s.n > (select b.n from symbol b where b.conversation = $1 and b.symbol = $2))
order by s.n limit $3;

-- name: insert_reaction!
insert into emoji_use (tenant, conversation, emoji, n, at, message, seq, author, reaction)
values ($1, $2, $3, $4, $5, $6, $7, $8, true);

-- name: reacted
select n from emoji_use
where conversation = $1 and message = $2 and author = $3 and emoji = $4 and reaction limit 1;

-- name: delete_reaction!
delete from emoji_use where conversation = $1 and message = $2 and author = $3 and emoji = $4 and reaction;

-- name: delete_uses!
-- Of a message that was taken back, with the reactions to it.
delete from emoji_use where conversation = $1 and message = $2;

-- name: timeline!
-- The last uses of an emoji before $3, newest first, each with the session in which it happened.
select u.n, u.at, u.message, u.seq, u.author, u.reaction, s.id as session
from (
    select * from emoji_use where conversation = $1 and emoji = $2 and n < $3 order by n desc limit $4
) as u
left join lateral (
    select id, ended_n from session
    where conversation = u.conversation and started_n < u.n order by started_n desc limit 1
) as s on s.ended_n is null or s.ended_n > u.n
order by u.n desc;

-- name: delete_emoji_uses!
delete from emoji_use where conversation = $1;

-- name: delete_wordings!
delete from symbol_wording where conversation = $1;

-- name: delete_symbols!
delete from symbol where conversation = $1;
