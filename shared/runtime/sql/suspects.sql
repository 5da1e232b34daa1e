-- name: any_noted
-- Whether one of these was in somebody's hands when it died.
select exists (select from suspect where command = any($1::uuid[]));

-- name: note_all!
insert into suspect (command) select * from unnest($1::uuid[]) on conflict do nothing;

-- name: note_alone
-- How often it was tried alone, this time included.
insert into suspect (command, alone) values ($1, 1) on conflict (command) do update set alone = suspect.alone + 1
returning alone;

-- name: clear!
delete from suspect where command = any($1::uuid[]);
