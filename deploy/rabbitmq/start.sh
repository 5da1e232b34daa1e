#!/bin/sh
# Fills in the passwords of RabbitMQ's users, letters and digits only, and becomes the broker.
set -eu
umask 077
cp /etc/unsaid/definitions.json /tmp/definitions.json
for name in UNSAID_RABBITMQ_PASSWORD UNSAID_GATEWAY_RABBITMQ_PASSWORD UNSAID_SESSION_RABBITMQ_PASSWORD \
    UNSAID_CONSENT_RABBITMQ_PASSWORD UNSAID_NOTES_RABBITMQ_PASSWORD; do
    eval "password=\${$name:?must be set}"
    sed "s/\${$name}/$password/" /tmp/definitions.json >/tmp/definitions.part
    mv /tmp/definitions.part /tmp/definitions.json
done
chown rabbitmq /tmp/definitions.json
exec docker-entrypoint.sh rabbitmq-server
