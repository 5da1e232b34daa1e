"""``python -m deploy.local.launch NAME``: become a part.

supervisord starts this; it writes its process id where it can be found, and then becomes the real program, so that
the id stays true.
"""

import os
import resource
import sys

from deploy.local import postgres, rabbitmq, services
from deploy.local.home import PARTS, Home, Part, State
from deploy.local.supervision import end_leftover, starts
from deploy.local.trouble import Trouble


def main() -> None:
    name = next((part for part in PARTS if part == sys.argv[1]), None)
    home = Home.from_environment()
    state = home.state
    if name is None or state is None:
        sys.exit(f"nothing to launch as {sys.argv[1]} in {home.folder}")
    end_leftover(home, name)
    if name == "postgres":
        postgres.end_old(home)
    try:
        command, environment = _command(name, home, state)
    except Trouble as trouble:
        sys.exit(str(trouble))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold what people typed
    (home.starts / name).write_text(str(starts(home, name) + 1))
    (home.pids / name).write_text(str(os.getpid()))
    os.execvpe(command[0], command, environment)  # noqa: S606 - becoming another program is the point


def _command(name: Part, home: Home, state: State) -> tuple[list[str], dict[str, str]]:
    match name:
        case "postgres":
            return postgres.command(home, state), dict(os.environ)
        case "rabbitmq":
            return rabbitmq.command(home, state)
        case _:
            return services.command(name), {**os.environ, **services.environment(name, state)}


main()
