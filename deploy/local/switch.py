"""`./unsaid live` and `./unsaid pacing`: what an operator sets for a tenant."""

from deploy.local import services
from deploy.local.home import Home, Service, State
from deploy.local.supervision import Supervisor
from deploy.local.trouble import Trouble


def switch_live(home: Home, tenant: str | None, *, on: bool) -> None:
    """Switch live text on or off for a tenant, by name, or everywhere (None). Raises `Trouble`."""
    _tell("gateway", "switch-live", {"tenant": tenant, "on": on}, home, "live text can't be switched")


def offer_prompts(home: Home, tenant: str, share: float) -> None:
    """Above which share of the last 200 words a tenant's therapists are offered prompts. Raises `Trouble`."""
    _tell("session", "offer-share", {"tenant": tenant, "share": share}, home, "it can't be set")


def _tell(service: Service, verb: str, told: object, home: Home, failed: str) -> None:
    done = services.run_verb(service, verb, told, _running(home))
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or ["no reason was given"]
        raise Trouble(f"{failed}: {reason[0][-300:]}", "`./unsaid status` says what runs")


def _running(home: Home) -> State:
    state = home.state
    if state is None or not Supervisor(home).alive():
        raise Trouble("Unsaid isn't running", "start it with `./unsaid up`")
    return state
