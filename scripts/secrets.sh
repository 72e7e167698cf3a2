#!/bin/sh
# Makes the secrets that docker-compose.yml expects, in secrets/. Existing ones are left as they are.
set -eu
cd "$(dirname "$0")/.."
umask 077
mkdir -p secrets

random() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }
keep() { [ -s "secrets/$1" ] || cat >"secrets/$1"; }

random 48 | keep secret_key
head -c 32 /dev/urandom | base64 | tr '+/' '-_' | keep encryption_key
random 24 | keep database_password
random 24 | keep redis_password
printf 'postgres://whatsflow:%s@postgres:5432/whatsflow' "$(cat secrets/database_password)" | keep database_url
printf 'redis://:%s@redis:6379/0' "$(cat secrets/redis_password)" | keep redis_url
printf 'requirepass %s\nappendonly yes\ndir /data\n' "$(cat secrets/redis_password)" | keep redis.conf
# The containers' users read them; the directory keeps everybody else out.
chmod 700 secrets
chmod 644 secrets/*
echo "The secrets are in secrets/. Keep a copy of encryption_key apart from the database's backups."
