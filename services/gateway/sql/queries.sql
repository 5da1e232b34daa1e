-- name: tenants
select id, name, origins, rate_factor, obscure, missed_min, away from tenant;

-- name: api_client
select tenant, salt, secret_hash from api_client_named($1);

-- name: ensure_tenant
insert into tenant (id, name, origins, rate_factor, obscure, missed_min, away) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (name) do update
    set origins = excluded.origins, rate_factor = excluded.rate_factor, obscure = excluded.obscure,
        missed_min = excluded.missed_min, away = excluded.away
returning id;

-- name: ensure_api_client
insert into api_client (client_id, tenant, salt, secret_hash) values ($1, $2, $3, $4)
on conflict (client_id) do update set salt = excluded.salt, secret_hash = excluded.secret_hash
    where api_client.tenant = excluded.tenant
returning client_id;

-- name: begin_request!
-- The first request under a key stays; a later one finds it.
insert into idempotency (tenant, template, key, path, body_hmac) values ($1, $2, $3, $4, $5)
on conflict (tenant, template, key) do update set tenant = excluded.tenant
returning path, body_hmac, status, answer;

-- name: finish_request!
update idempotency set status = $4, answer = $5, conversation = $6
where tenant = $1 and template = $2 and key = $3 and status is null;

-- name: forget_answers!
-- The conversation is about to be erased. Asked again, each request is told so.
update idempotency set answer = null where tenant = $1 and conversation = $2 and answer is not null;

-- name: forget_request!
-- It was refused: the key is free again.
delete from idempotency where tenant = $1 and template = $2 and key = $3 and status is null;

-- name: tenant_named
select id from tenant where name = $1;

-- name: live_off
select scope from live_off;

-- name: switch_live_off!
insert into live_off (scope) values ($1) on conflict (scope) do nothing;

-- name: switch_live_on!
delete from live_off where scope = $1;

-- name: add_refusals!
insert into refusal (tenant, conversation, participant, asked, code, field, times, first_at, last_at)
select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::integer[],
                     $8::timestamptz[], $9::timestamptz[]);

-- name: open_feed
-- A token that was revoked stays so.
insert into calendar_feed (token_sha256, tenant, conversation, participant) values ($1, $2, $3, $4)
on conflict (token_sha256) do update set tenant = excluded.tenant where calendar_feed.revoked_at is null
returning participant;

-- name: revoke_feeds!
-- All of somebody's in a conversation, but this one.
update calendar_feed set revoked_at = now()
where conversation = $1 and participant = $2 and token_sha256 <> $3 and revoked_at is null;

-- name: feed
select tenant, conversation, participant from calendar_feed_named($1);
