-- What the serving role may do; everything else is taken from it. Applied after each migration.
revoke all on all tables in schema public from session_serving;
revoke all on all functions in schema public from session_serving, public;

-- the runtime's tables
grant select on _yoyo_migration to session_serving;
grant select, insert on setting to session_serving;
grant select, insert, update, delete on instance, subscription, suspect to session_serving;
grant select, insert, update on owner to session_serving;

grant select, insert, update on participant, conversation, session, read_mark, composition to session_serving;
-- What was said is only ever emptied; what its author says it is may change.
grant select, insert, update (content, fingerprint, words, intervention, data) on event to session_serving;
grant select, insert, update, delete on composition_part to session_serving;
grant select, insert, update (content, fingerprint), delete on composition_mark to session_serving;
grant select, insert, update, delete on pacing, turn to session_serving;
-- The operator's, who comes as the owner.
grant select on pacing_setting to session_serving;
grant select, insert, update on exercise_definition to session_serving;
grant select, insert, update, delete on exercise_run, agreement, due to session_serving;
grant select, insert, delete on exercise_answer, emoji_use, attunement_said to session_serving;
grant select, insert, update, delete on symbol, symbol_wording, attunement to session_serving;
grant select, insert, update, delete on safety_raise, suitability to session_serving;
grant select, insert, delete on safety_plan, own_request to session_serving;
grant select, insert, update, delete on scheduled_session, planned_message, absence, quiet_hours to session_serving;
-- That something was reported stays.
grant select, insert, update (content) on report to session_serving;

grant execute on function append_messages, keys_to_destroy, contents_to_empty, exercise_tenants, came_due
    to session_serving;
