#!/bin/sh
# Run by PostgreSQL's image at its first start: make the role that PreFlight connects with. It owns its database, and
# nothing else: reading the server's files or making other roles is the superuser's.
set -eu
# The password is read by psql: no command line shows it.
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname=postgres <<'SQL'
\set password `cat "$DATABASE_PASSWORD_FILE"`
CREATE ROLE preflight LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
CREATE DATABASE preflight OWNER preflight;
SQL
