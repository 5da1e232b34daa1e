"""The four services: what runs them and what they are told."""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Container

from deploy.local import postgres, rabbitmq
from deploy.local.home import KEY_SERVICES, QUEUE_SERVICES, REPO, Service, State
from shared.runtime.service import OWNER_URL

VERB_S = 60
OURS = "UNSAID_"
HOME = "UNSAID_HOME"
"""By which a process is known as one of a home (`deploy.local.processes`)."""


def command(name: Service) -> list[str]:
    return [sys.executable, "-m", f"services.{name}"]


def gateway_url(state: State) -> str:
    return f"http://127.0.0.1:{state.ports.gateway}"


def admin_port(name: Service, state: State) -> int:
    return {
        "gateway": state.ports.gateway_admin,
        "session": state.ports.session_admin,
        "consent": state.ports.consent_admin,
        "notes": state.ports.notes_admin,
    }[name]


def admin_url(name: Service, state: State, path: str) -> str:
    return f"http://127.0.0.1:{admin_port(name, state)}/{path}"


def run_verb(name: Service, verb: str, told: object, state: State) -> "subprocess.CompletedProcess[str]":
    """One of a service's verbs besides serving, told in JSON on standard input; as its database's owner."""
    return subprocess.run(
        [*command(name), verb],
        input=json.dumps(told),
        env=plain() | {OWNER_URL: postgres.owner_url(state, name)},
        cwd=REPO,
        capture_output=True,
        text=True,
        check=False,
        timeout=VERB_S,
    )


def plain(known: Container[str] = ()) -> dict[str, str]:
    """Our own environment; of what is the platform's in it, only what is known."""
    return {key: value for key, value in os.environ.items() if key in known or not key.startswith(OURS)}


def settings(name: Service) -> set[str]:
    """The variables that a service's settings are read from."""
    fields: dict[str, object] = importlib.import_module(f"services.{name}.config").Settings.model_fields
    return {OURS + field.upper() for field in fields}


def environment(name: Service, state: State) -> dict[str, str]:
    """What a service is started with; of what stands in ours, no address or secret that it has no use for."""
    told = {
        **plain(settings(name) | {HOME}),
        "UNSAID_DATABASE_URL": postgres.serving_url(state, name),
        "UNSAID_AMQP_URL": rabbitmq.service_url(state, name),
        # The same name after a restart, so that it takes its queues back at once.
        "UNSAID_INSTANCE": f"{name}-1",
        "UNSAID_QUEUE_KIND": os.environ.get("UNSAID_QUEUE_KIND", "classic"),  # the broker is one node
        "UNSAID_ADMIN_HOST": "127.0.0.1",
        "UNSAID_ADMIN_PORT": str(admin_port(name, state)),
    }
    # Who publishes to a service's queues must know how many there are; the session service tells the two others.
    publishes = QUEUE_SERVICES if name in {"gateway", "session"} else [name]
    told |= {f"UNSAID_{each.upper()}_QUEUES": str(getattr(state.queues, each)) for each in publishes}
    if name == "consent":
        told |= {
            "UNSAID_CONSENT_LOG_NAME": state.consent_log_name,
            "UNSAID_CONSENT_LOG_KEY": state.consent_log_key,
        }
    if name in KEY_SERVICES:
        told |= {
            "UNSAID_CONTENT_KEY": state.content_key,
            "UNSAID_KEYS_URL": postgres.keys_url(state, name),
            "UNSAID_KEY_PROVIDER": state.key_provider,
        }
    if name == "gateway":
        told |= {
            "UNSAID_HOST": "127.0.0.1",
            "UNSAID_PORT": str(state.ports.gateway),
            "UNSAID_PUBLIC_URL": gateway_url(state),
            "UNSAID_SESSION_URL": f"http://127.0.0.1:{admin_port('session', state)}",
            "UNSAID_TOKEN_KEYS": json.dumps({"1": state.token_key}),
        }
    return told
