-- What was made before each database had an owner of its own becomes that owner's (`unsaid.owner`); nothing, mostly.
do $$
declare
    owner text := current_setting('unsaid.owner');
    each text;
begin
    for each in select oid::regclass::text from pg_class
        where relnamespace = 'public'::regnamespace and relkind in ('r', 'v') and relowner = current_user::regrole
    loop
        execute format('alter table %s owner to %I', each, owner);
    end loop;
    for each in select oid::regprocedure::text from pg_proc
        where pronamespace = 'public'::regnamespace and proowner = current_user::regrole
    loop
        execute format('alter routine %s owner to %I', each, owner);
    end loop;
    -- Where this schema isn't the owner's (a database from before Postgres 15), it came in with everybody.
    execute format('grant usage, create on schema public to %I', owner);
end
$$;
revoke create on schema public from public;
