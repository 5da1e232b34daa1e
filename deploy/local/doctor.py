"""What `./unsaid doctor` looks at. Nothing here changes anything."""

import os
import shutil
import stat
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from deploy.local import apt, packages, ports, rabbitmq
from deploy.local.home import Home, Ports
from deploy.local.supervision import Supervisor
from deploy.local.trouble import Trouble
from deploy.local.up import NEEDED_MB

OLDEST = (3, 11)
# Clocks of machines without a battery begin at 1970 or at their build.
NOT_BEFORE = 1_760_000_000  # October 2025


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at; when it isn't ``fine``, how to mend it. One that isn't ``needed`` only limits something."""

    fine: bool
    what: str
    mend: str = ""
    needed: bool = True


def examine(home: Home) -> list[Finding]:
    return [_python(), _disk(home), _folder(home), _rabbitmq(), *_ports(home), _clock(), _chromium(), _docker()]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding(sys.version_info >= OLDEST, f"Python {version}", "install Python 3.11 or newer")


def _disk(home: Home) -> Finding:
    free = shutil.disk_usage(_existing(home.folder)).free // 1_000_000
    return Finding(free >= NEEDED_MB, f"{free} MB free for {home.folder}", f"free {NEEDED_MB} MB at least")


def _folder(home: Home) -> Finding:
    there = _existing(home.folder)
    if not os.access(there, os.W_OK | os.X_OK):
        return Finding(fine=False, what=f"{there} can't be written", mend="give it to this user, or set UNSAID_HOME")
    if there != home.folder:
        return Finding(fine=True, what=f"home folder {home.folder} will be made")
    listable = there.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO) & ~(stat.S_IXGRP | stat.S_IXOTH)
    open_files = [path.name for path in (home.state_file, home.local) if path.exists() and path.stat().st_mode & 0o077]
    if listable or open_files:
        return Finding(
            fine=False,
            what=f"others can read {', '.join(open_files) or 'the home folder'}, which holds secrets",
            mend=f"chmod go-rw {there} {there}/*.json",
        )
    try:
        return Finding(fine=True, what=f"home folder {there}" + (", used before" if home.state else ""))
    except Trouble as trouble:
        return Finding(fine=False, what=trouble.what, mend=trouble.mend)


def _rabbitmq() -> Finding:
    if os.environ.get("UNSAID_AMQP_URL"):
        return Finding(fine=True, what="RabbitMQ: the one that UNSAID_AMQP_URL names")
    if script := rabbitmq.find():
        return Finding(fine=True, what=f"RabbitMQ: {script}")
    reason = apt.missing()
    if reason is None:
        return Finding(fine=True, what="RabbitMQ: `./unsaid up` will install it")
    return Finding(
        fine=False,
        what=f"RabbitMQ is missing, and {reason}",
        mend="`sudo apt-get install rabbitmq-server` or `brew install rabbitmq`, or use `docker compose up`",
    )


def _ports(home: Home) -> list[Finding]:
    if Supervisor(home).alive():
        return [Finding(fine=True, what="Unsaid is running")]
    try:
        state = home.state
    except Trouble:
        state = None
    wanted = (state.ports if state else Ports()).model_dump()
    taken = [f"{port} ({name.replace('_', ' ')})" for name, port in wanted.items() if not ports.is_free(port)]
    if not taken:
        return [Finding(fine=True, what=f"ports {', '.join(map(str, wanted.values()))} are free")]
    mend = "nothing need be done: `./unsaid up` takes others"
    return [Finding(fine=False, what=f"taken ports: {', '.join(taken)}", mend=mend, needed=False)]


def _clock() -> Finding:
    return Finding(
        time.time() > NOT_BEFORE,
        f"the clock says {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC",
        "set it; tokens and certificates are valid by it",
    )


def _chromium() -> Finding:
    found = packages.chromium()
    what = f"Chromium: {found}" if found else "Chromium is missing: the tests in a browser are skipped"
    mend = "`./unsaid test` installs it where it may; else `sudo apt-get install chromium`"
    return Finding(found is not None, what, mend, needed=False)


def _docker() -> Finding:
    found = shutil.which("docker")
    what = f"Docker: {found}" if found else "Docker is missing: `docker compose up` can't be used; `./unsaid up` can"
    return Finding(found is not None, what, "install it only if you want the containers", needed=False)


def _existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())
