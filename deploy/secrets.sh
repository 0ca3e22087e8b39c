#!/bin/sh
# Make the secrets of docker-compose.yml that are not there yet, in the directory given (default: ./secrets).
# Only its owner enters the directory. The files in it are readable, so that containers without root can read theirs.
set -eu
directory=${1:-secrets}
umask 077
mkdir -p "$directory"

# Write a file unless it exists: `secret NAME VALUE`.
secret() {
    [ -e "$directory/$1" ] || printf '%s\n' "$2" >"$directory/$1"
    chmod 444 "$directory/$1"
}

random() {
    head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'
}

secret postgres_password "$(random)"
secret database_password "$(random)"
secret redis_password "$(random)"
secret flower_password "$(random)"
secret grafana_password "$(random)"
secret database_url "postgresql://preflight:$(cat "$directory/database_password")@postgres:5432/preflight"
secret redis_url "redis://:$(cat "$directory/redis_password")@redis:6379/0"
# A Fernet key: with it the streamers' tokens are encrypted.
secret campaign_keys "$(head -c 32 /dev/urandom | base64 | tr '+/' '-_')"
# Empty: the check twitch_api fails. Write what Twitch says into it, and its client id into PREFLIGHT_TWITCH_CLIENT_ID.
secret twitch_client_secret ""
# Empty: Sentry is off. Write the project's DSN into it.
secret sentry_dsn ""
# Empty: Prometheus may not read the totals of all workers. Write what `preflight admin token create` says into it.
secret metrics_token ""
