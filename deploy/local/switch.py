"""`./unsaid live`: the operator's switch for live text."""

from deploy.local import services
from deploy.local.home import Home
from deploy.local.supervision import Supervisor
from deploy.local.trouble import Trouble


def switch_live(home: Home, tenant: str | None, *, on: bool) -> None:
    """Switch live text on or off for a tenant, by name, or everywhere (None). Raises `Trouble`."""
    state = home.state
    if state is None or not Supervisor(home).alive():
        raise Trouble("Unsaid isn't running", "start it with `./unsaid up`")
    done = services.run_verb("gateway", "switch-live", {"tenant": tenant, "on": on}, state)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or ["no reason was given"]
        raise Trouble(f"live text can't be switched: {reason[0][-300:]}", "`./unsaid status` says what runs")
