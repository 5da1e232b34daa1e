-- name: noted
-- Commands of a redelivered batch that were in somebody's hands when it died, and how often each was there alone.
select command, alone from suspect where command = any($1::uuid[]);

-- name: note_all!
insert into suspect (command) select * from unnest($1::uuid[]) on conflict do nothing;

-- name: note_alone!
insert into suspect (command, alone) values ($1, 1) on conflict (command) do update set alone = suspect.alone + 1;

-- name: clear!
delete from suspect where command = any($1::uuid[]);
