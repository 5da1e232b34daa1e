"""`./unsaid up` and `./unsaid down`: the order in which the parts come and go."""

import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request

from deploy.local import packages, ports, postgres, rabbitmq, services
from deploy.local.home import PARTS, Home, Part, Service, State, write_json
from deploy.local.progress import say, step
from deploy.local.supervision import Supervisor, end_leftovers
from deploy.local.trouble import Trouble

READY_S = 60


def up(home: Home, only: tuple[Part, ...] = PARTS) -> State:
    """Start what isn't running, wait until all of it is ready, and return how to reach it."""
    home.make()
    with home.locked():
        supervisor = Supervisor(home)
        if supervisor.alive():
            state = home.state
            if state is None:
                raise Trouble(f"{home.state_file} is gone", "run `./unsaid down --wipe`, then `./unsaid up`")
            say("Unsaid is running already.")
        else:
            state = _prepare(home, only)
            supervisor.start()
        _start(home, state, supervisor, only)
    return state


def down(home: Home, *, wipe: bool) -> None:
    """Stop everything; with ``wipe`` forget it too."""
    if not home.folder.exists():
        say("nothing to stop: there is no home folder")
        return
    with home.locked():
        supervisor = Supervisor(home)
        if supervisor.alive():
            with step("stopping"):
                supervisor.stop()
        else:
            end_leftovers(home)
        _end_epmd(home)
        for name in PARTS:
            (home.pids / name).unlink(missing_ok=True)
        if wipe:
            shutil.rmtree(home.folder)
    say("Unsaid is stopped" + (", and forgotten." if wipe else "; what was said is kept."))


def _prepare(home: Home, only: tuple[Part, ...]) -> State:
    end_leftovers(home)
    state = home.state or State()
    chosen, told = ports.choose(state.ports)
    for line in told:
        say(line)
    state = state.model_copy(
        update={
            "ports": chosen,
            "postgres_url": os.environ.get("UNSAID_POSTGRES_URL"),
            "amqp_url": os.environ.get("UNSAID_AMQP_URL"),
        }
    )
    home.keep(state)
    if "postgres" in only and not state.postgres_url:
        with step("making the data folder of Postgres"):
            postgres.prepare(home, state)
    if "rabbitmq" in only and not state.amqp_url:
        packages.need_rabbitmq()
        rabbitmq.prepare(home, state)
    for name in PARTS:
        for folder in (home.starts, home.pids):
            (folder / name).unlink(missing_ok=True)
    return state


def _start(home: Home, state: State, supervisor: Supervisor, only: tuple[Part, ...]) -> None:
    private: tuple[tuple[Part, str | None], ...] = (("postgres", state.postgres_url), ("rabbitmq", state.amqp_url))
    for name, instead in private:
        if name in only and not instead:
            supervisor.start_part(name)
    if "postgres" in only:
        with step("starting Postgres"):
            postgres.wait_ready(state)
            postgres.make_databases(state)
    if "rabbitmq" in only:
        with step("starting RabbitMQ"):
            rabbitmq.wait_ready(home, state)
    wanted = [name for name in services.there() if name in only]
    for service in wanted:
        supervisor.start_part(service)
    for service in wanted:
        with step(f"starting {service}"):
            _wait_service(service, state, supervisor)
    write_json(home.local, _local(state))


def _local(state: State) -> dict[str, object]:
    return {
        "gateway": services.gateway_url(state),
        "client_id": state.client_id,
        "client_secret": state.client_secret,
        "metrics": {name: services.admin_url(name, state, "metrics") for name in services.SERVICES},
    }


def _wait_service(name: Service, state: State, supervisor: Supervisor) -> None:
    end = time.monotonic() + READY_S
    while (reason := _unready(name, state)) is not None:
        if time.monotonic() > end:
            raise Trouble(
                f"{name} isn't ready ({supervisor.part(name).state.lower()}): {reason}",
                f"see `./unsaid logs {name}`",
            )
        time.sleep(0.1)


def _unready(name: Service, state: State) -> str | None:
    try:
        with urllib.request.urlopen(services.admin_url(name, state, "readyz"), timeout=5):  # noqa: S310 - our own
            return None
    except urllib.error.HTTPError as error:
        return error.read().decode(errors="replace")[:500]
    except OSError:
        return "it doesn't answer"


def _end_epmd(home: Home) -> None:
    """Erlang's port mapper outlives the broker that started it; this one, on its own port, is ours alone."""
    state = home.state
    program = shutil.which("epmd")
    if state is not None and program is not None:
        subprocess.run(
            [program, "-port", str(state.ports.epmd), "-kill"], capture_output=True, check=False, timeout=10
        )
