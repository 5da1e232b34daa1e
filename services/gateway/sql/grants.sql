-- What the serving role may do; everything else is taken from it. Applied after each migration.
revoke all on all tables in schema public from gateway_serving;
revoke all on all functions in schema public from gateway_serving, public;

grant select on _yoyo_migration to gateway_serving;
-- Tenants, their API clients and the switch for live text are the operator's, who comes as the owner. An API client is
-- found by function: who could add one would be any tenant.
grant select on tenant, live_off to gateway_serving;
grant select, insert, update, delete on idempotency to gateway_serving;
-- Only ever added to, and not to be read here.
grant insert on refusal to gateway_serving;
grant select, insert, update on calendar_feed to gateway_serving;

grant execute on function api_client_named, calendar_feed_named to gateway_serving;
