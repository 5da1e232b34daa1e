"""``python -m deploy.local.launch NAME``: become a part.

supervisord starts this; it writes its process id where it can be found, and then becomes the real program, so that
the id stays true.
"""

import os
import resource
import sys

from deploy.local import postgres, rabbitmq, services
from deploy.local.home import PARTS, Home, Part, State
from deploy.local.processes import end_leftover, mark, starts
from deploy.local.trouble import Trouble, from_os_error


def main() -> None:
    home = Home.from_environment()
    try:
        name = next(part for part in PARTS if part == sys.argv[1])
        _become(name, home)
    except Trouble as trouble:
        sys.exit(str(trouble))
    except OSError as error:
        sys.exit(str(from_os_error(error)))


def _become(name: Part, home: Home) -> None:
    state = home.state
    if state is None:
        raise Trouble(f"{home.state_file} is gone", "run `./unsaid down --wipe`, then `./unsaid up`")
    (home.starts / name).write_text(str(starts(home, name) + 1))
    end_leftover(home, name)
    if name == "postgres":
        postgres.end_old(home)
    command, environment = _command(name, home, state)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold what people typed
    (home.pids / name).write_text(str(os.getpid()))
    if name == "rabbitmq":
        os.chdir(home.rabbitmq)  # where its crash dumps go
    os.execvpe(command[0], command, environment | mark(name))  # noqa: S606 - becoming another program is the point


def _command(name: Part, home: Home, state: State) -> tuple[list[str], dict[str, str]]:
    match name:
        case "postgres":
            return postgres.command(home, state), dict(os.environ)
        case "rabbitmq":
            return rabbitmq.command(home, state)
        case _:
            return services.command(name), services.environment(name, state)


if __name__ == "__main__":
    main()
