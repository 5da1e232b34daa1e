-- What the serving role may do; everything else is taken from it. Applied after each migration.
revoke all on all tables in schema public from consent_serving;
revoke all on all functions in schema public from consent_serving, public;

-- the runtime's tables
grant select on _yoyo_migration to consent_serving;
grant select, insert on setting to consent_serving;
grant select, insert, update, delete on instance, subscription, suspect to consent_serving;
grant select, insert, update on owner to consent_serving;

grant select, insert, update on conversation, consent_use to consent_serving;
grant select, insert, update, delete on due to consent_serving;
-- Only ever added to. What stands in the tree, and where these tables are, is the database's own part.
grant select, insert on decision, checkpoint, form to consent_serving;
grant select on node, home to consent_serving;

grant execute on function decision_entry, forms_of, incarnation, tenants, due_held, begin_generation to consent_serving;
