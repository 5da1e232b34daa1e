-- What each kind of process may do; everything else is taken from it. Applied after each migration.
revoke all on all tables in schema public from keys_gateway, keys_session;
revoke all on all functions in schema public from keys_gateway, keys_session, public;

grant select, insert on tenant_key, key_owner, data_key to keys_gateway, keys_session;
grant update on key_owner to keys_session;
grant delete on data_key to keys_session;
