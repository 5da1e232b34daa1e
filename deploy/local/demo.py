"""The demo: a partner, a conversation, and two links. Made as any partner makes them, through the gateway's API."""

from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError

from deploy.local import loopback, services
from deploy.local.home import State
from deploy.local.trouble import Trouble

TOKEN_S = 86_400
PEOPLE = (
    {"role": "client", "external_id": "demo-client", "display_name": "Robin", "locale": "en"},
    {"role": "therapist", "external_id": "demo-therapist", "display_name": "Dr. Lee", "locale": "en"},
)
MEND = "`./unsaid logs gateway` says more"


@dataclass(frozen=True, slots=True)
class Link:
    """Who opens it, and what they open. The token stands after #, which browsers keep to themselves."""

    role: str
    url: str


def ensure_tenant(state: State) -> None:
    ports = state.ports.gateway
    tenant = {
        "name": "demo",
        "client_id": state.client_id,
        "client_secret": state.client_secret,
        "origins": [f"http://127.0.0.1:{ports}", f"http://localhost:{ports}"],
        "rate_factor": 10,
    }
    done = services.run_verb("gateway", "ensure-tenant", tenant, state)
    if done.returncode:
        raise Trouble(f"the demo partner can't be made: {done.stderr.strip()[-500:]}", MEND)


def links(state: State) -> list[Link]:
    """Fresh links into the demo conversation, which is made unless it is there."""
    base = services.gateway_url(state)
    try:
        form = {
            "grant_type": "client_credentials",
            "client_id": state.client_id,
            "client_secret": state.client_secret,
        }
        access = loopback.post_form(f"{base}/v1/oauth/token", form)["access_token"]
        conversation = _conversation(base, access)
        return [
            Link(person["role"], _link(base, conversation["id"], person["id"], access))
            for person in conversation["participants"]
        ]
    except HTTPError as error:
        reason = error.read().decode(errors="replace")[:300]
        raise Trouble(f"the demo conversation can't be made: {error.code} {reason}", MEND) from None
    except (OSError, HTTPException, KeyError, ValueError) as error:
        raise Trouble(f"the demo conversation can't be made: {type(error).__name__}", MEND) from None


def _conversation(base: str, access: str) -> dict[str, Any]:
    """The demo's, or the next one's where that was erased: an erased one never comes back under its name."""
    number = 1
    while True:
        wanted = {"external_id": "demo" if number == 1 else f"demo-{number}", "participants": list(PEOPLE)}
        try:
            made: dict[str, Any] = loopback.post_json(f"{base}/v1/conversations", wanted, access)
        except HTTPError as error:
            if error.code != HTTPStatus.GONE:
                raise
            number += 1
        else:
            return made


def _link(base: str, conversation: str, participant: str, access: str) -> str:
    asked = {"participant": participant, "ttl_s": TOKEN_S, "scope": "participant"}
    token = loopback.post_json(f"{base}/v1/conversations/{conversation}/tokens", asked, access)["token"]
    return f"{base}/app/#t={token}&c={conversation}"
