"""The private RabbitMQ: where the machine's own broker is found, its settings, and the command that runs it.

The broker's own script is called, not the wrapper in PATH, which switches to the system's user and folders.
"""

import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import quote

from deploy.local.home import REPO, SERVICES, Home, Service, State, derived, write_private
from deploy.local.trouble import Trouble

USER = "unsaid"
DEFINITIONS = REPO / "deploy" / "rabbitmq" / "definitions.json"

# Where packages put the broker's own script: Debian and Fedora, the generic archive and container images, Homebrew.
PLACES = (
    "/usr/lib/rabbitmq/bin/rabbitmq-server",
    "/opt/rabbitmq/sbin/rabbitmq-server",
    "/opt/homebrew/opt/rabbitmq/sbin/rabbitmq-server",
    "/usr/local/opt/rabbitmq/sbin/rabbitmq-server",
    "/home/linuxbrew/.linuxbrew/opt/rabbitmq/sbin/rabbitmq-server",
)


def find() -> Path | None:
    """The broker's script on this machine."""
    for place in PLACES:
        if Path(place).is_file():
            return Path(place)
    in_path = shutil.which("rabbitmq-server")
    return Path(in_path) if in_path else None


def url(state: State) -> str:
    if state.amqp_url:
        return state.amqp_url
    return f"amqp://{USER}:{quote(state.amqp_password)}@127.0.0.1:{state.ports.rabbitmq}/"


def service_url(state: State, service: Service) -> str:
    """The broker, as one kind of process; a foreign broker's user is the one that was named."""
    if state.amqp_url:
        return state.amqp_url
    return f"amqp://{service}:{password(state, service)}@127.0.0.1:{state.ports.rabbitmq}/"


def password(state: State, user: str) -> str:
    """Each user's own, made from the operator's, so that one secret is kept for all."""
    return state.amqp_password if user == USER else derived(state.amqp_password, f"rabbitmq user {user}")


def definitions(state: State) -> str:
    """Users, what each may do, and exchanges: the same as everywhere, with this broker's passwords."""
    text = DEFINITIONS.read_text(encoding="utf-8")
    for user in (USER, *SERVICES):
        name = "UNSAID_RABBITMQ_PASSWORD" if user == USER else f"UNSAID_{user.upper()}_RABBITMQ_PASSWORD"
        text = text.replace(f"${{{name}}}", password(state, user))
    return text


def need_same(home: Home, state: State) -> None:
    """Raises `Trouble`: the broker runs with other rights than this version's, which it reads at its start."""
    known = home.rabbitmq / "definitions.json"
    if not state.amqp_url and known.exists() and known.read_text(encoding="utf-8") != definitions(state):
        raise Trouble("what runs is of another version than this", "`./unsaid down`, then `./unsaid up`")


def prepare(home: Home, state: State) -> None:
    """Write its settings. A first start that didn't end is begun anew."""
    if home.rabbitmq.exists() and not _begun(home).exists():
        shutil.rmtree(home.rabbitmq)
    for folder in (home.rabbitmq, *(home.rabbitmq / name for name in ("mnesia", "log", "schema", "plugins"))):
        folder.mkdir(exist_ok=True, mode=0o700)
    write_private(
        home.rabbitmq / "rabbitmq.conf",
        f"""listeners.tcp.local = 127.0.0.1:{state.ports.rabbitmq}
load_definitions = {home.rabbitmq / "definitions.json"}
log.file = false
log.console = true
log.console.level = info
# Its default of 512 MiB is kept in memory as well.
raft.wal_max_size_bytes = 16777216
""",
    )
    write_private(home.rabbitmq / "definitions.json", definitions(state))
    write_private(home.rabbitmq / "enabled_plugins", "[].\n")
    write_private(home.rabbitmq / "rabbitmq-env.conf", "")
    write_private(home.rabbitmq / ".erlang.cookie", state.cookie)
    (home.rabbitmq / ".erlang.cookie").chmod(0o400)


def command(home: Home, state: State) -> tuple[list[str], dict[str, str]]:
    """What the launcher becomes, and its environment."""
    script = find()
    if script is None:
        raise Trouble("RabbitMQ isn't there any more", "run `./unsaid up` again")
    folder = home.rabbitmq
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RABBITMQ_", "ERL_"))}
    environment |= {
        "HOME": str(folder),  # where Erlang looks for the cookie
        "LANG": "C.UTF-8",
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(state.ports.epmd),
        "ERL_CRASH_DUMP_BYTES": "0",  # a dump would hold what passed through
        "RABBITMQ_NODENAME": f"{state.node}@localhost",
        "RABBITMQ_DIST_PORT": str(state.ports.rabbitmq_distribution),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_CONFIG_FILES": str(folder / "conf.d"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_SCHEMA_DIR": str(folder / "schema"),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "schema"),
        "RABBITMQ_PLUGINS_EXPAND_DIR": str(folder / "plugins"),
        "RABBITMQ_LOG": "-color",
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        # The script then becomes the broker instead of starting it, so that the launcher's process is the broker.
        "RABBITMQ_ALLOW_INPUT": "1",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
            "-noinput +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}"
        ),
    }
    return [str(script)], environment


def begun(home: Home) -> None:
    """Remember that the first start came to its end."""
    _begun(home).touch()


def end_port_mapper(state: State) -> None:
    """Erlang's port mapper outlives the broker that started it; this one, on its own port, is ours.

    It refuses to end while a broker is known to it, so that another home folder's is safe.
    """
    program = shutil.which("epmd")
    if program is not None:
        command = [program, "-port", str(state.ports.epmd), "-kill"]
        environment = {**os.environ, "ERL_EPMD_ADDRESS": "127.0.0.1"}
        subprocess.run(command, env=environment, capture_output=True, check=False, timeout=10)


def _begun(home: Home) -> Path:
    return home.rabbitmq / "begun"
