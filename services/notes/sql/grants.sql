-- What the serving role may do; everything else is taken from it. Applied after each migration.
revoke all on all tables in schema public from notes_serving;
revoke all on all functions in schema public from notes_serving, public;

-- the runtime's tables
grant select on _yoyo_migration to notes_serving;
grant select, insert on setting to notes_serving;
grant select, insert, update, delete on instance, subscription, suspect to notes_serving;
grant select, insert, update on owner to notes_serving;

grant select, insert, update on conversation, note to notes_serving;
