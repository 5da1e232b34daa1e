-- What the serving role may do; everything else is taken from it. Applied after each migration.
revoke all on all tables in schema public from session_serving;
revoke all on all functions in schema public from session_serving, public;

-- the runtime's tables
grant select on _yoyo_migration to session_serving;
grant select, insert on setting to session_serving;
grant select, insert, update, delete on instance, subscription, suspect to session_serving;
grant select, insert, update on owner to session_serving;

grant select, insert, update on participant, conversation, session, read_mark, composition to session_serving;
-- What was said is only ever emptied.
grant select, insert, update (content, fingerprint) on event to session_serving;
grant select, insert, update, delete on composition_part to session_serving;
grant select, insert, update (content, fingerprint), delete on composition_mark to session_serving;

grant execute on function append_messages, keys_to_destroy, contents_to_empty to session_serving;
