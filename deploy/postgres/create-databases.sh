#!/usr/bin/env bash
# Run once by the postgres image, on an empty data folder: for each service a database, an owner who migrates it, and a
# role that serves from it and owns nothing; no service may connect to another's.
set -euo pipefail

for name in gateway session consent notes; do
    psql --no-psqlrc --set ON_ERROR_STOP=1 --set "name=$name" --set "serving=${name}_serving" \
        --username "$POSTGRES_USER" --dbname postgres <<SQL
\\getenv owner UNSAID_${name^^}_OWNER_DB_PASSWORD
\\getenv password UNSAID_${name^^}_DB_PASSWORD
create role :"name" login password :'owner';
create role :"serving" login password :'password';
create database :"name" owner :"name" encoding 'UTF8' locale 'C.UTF-8' template template0;
revoke all on database :"name" from public;
grant connect on database :"name" to :"serving";
SQL
done

# The key store: its owner changes its tables, and two kinds of process may use it.
psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\getenv owner UNSAID_KEYS_DB_PASSWORD
\getenv gateway UNSAID_KEYS_GATEWAY_DB_PASSWORD
\getenv session UNSAID_KEYS_SESSION_DB_PASSWORD
create role keys login password :'owner';
create role keys_gateway login password :'gateway';
create role keys_session login password :'session';
create database keys owner keys encoding 'UTF8' locale 'C.UTF-8' template template0;
revoke all on database keys from public;
grant connect on database keys to keys_gateway, keys_session;
SQL
