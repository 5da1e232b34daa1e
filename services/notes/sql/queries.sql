-- name: register!
-- Also that it is erased, which stays so.
insert into conversation (id, tenant, client, therapist, erased_at)
values ($1, $2, $3, $4, case when $5 then clock_timestamp() end)
on conflict (id) do update set erased_at = coalesce(conversation.erased_at, excluded.erased_at)
    where conversation.tenant = excluded.tenant;

-- name: empty_notes!
-- Nobody can read them any more. That they existed stays.
update note set content = '', fingerprint = '' where conversation = $1;

-- name: conversation
select tenant, client, therapist, erased_at from conversation where id = $1;

-- name: note
select id, author, version, format, fingerprint, content, at from note where conversation = $1 and id = $2 for update;

-- name: save!
insert into note (tenant, conversation, id, author, version, format, fingerprint, content, at)
select tenant, id, $2, $3, $4, $5, $6, $7, date_trunc('milliseconds', clock_timestamp()) from conversation where id = $1
on conflict (conversation, id) do update
    set version = excluded.version, format = excluded.format, fingerprint = excluded.fingerprint,
        content = excluded.content, at = greatest(note.at, excluded.at);

-- name: notes
-- The newest notes whose contents fit $3 bytes together; at least one.
select id, author, version, format, fingerprint, content, at from (
    select *, sum(octet_length(content)) over (order by created_at desc, id desc) as size,
           row_number() over (order by created_at desc, id desc) as place
    from note where conversation = $1 and author = $2
) as sized
where size <= $3 or place = 1 order by created_at, id;
