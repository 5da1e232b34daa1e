-- What the serving role may do; everything else is taken from it. Applied after each migration.
revoke all on all tables in schema public from gateway_serving;
revoke all on all functions in schema public from gateway_serving, public;

grant select on _yoyo_migration to gateway_serving;
-- Also for the operator's verbs: a new tenant, the switch for live text.
grant select, insert, update on tenant, api_client to gateway_serving;
grant select, insert, delete on live_off to gateway_serving;
grant select, insert, update, delete on idempotency to gateway_serving;
-- Only ever added to, and not to be read here.
grant insert on refusal to gateway_serving;
grant select, insert, update on calendar_feed to gateway_serving;

grant execute on function api_client_named, calendar_feed_named to gateway_serving;
