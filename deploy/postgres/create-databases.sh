#!/usr/bin/env bash
# Run once by the postgres image, on an empty data folder: one role and one database for each service, and no service
# may connect to another's.
set -euo pipefail

for name in gateway session consent notes; do
    psql --no-psqlrc --set ON_ERROR_STOP=1 --set "name=$name" --username "$POSTGRES_USER" --dbname postgres <<SQL
\\getenv password UNSAID_${name^^}_DB_PASSWORD
create role :"name" login password :'password';
create database :"name" owner :"name" encoding 'UTF8' locale 'C.UTF-8' template template0;
revoke all on database :"name" from public;
SQL
done
