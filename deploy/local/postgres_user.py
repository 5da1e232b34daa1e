"""The user that Postgres runs as when `./unsaid` runs as root, since Postgres refuses root."""

import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from deploy.local.trouble import Trouble

NAME = "unsaid-postgres"


@dataclass(frozen=True, slots=True)
class User:
    """An unprivileged user of this machine."""

    uid: int
    gid: int


def find_or_make() -> User | None:
    """None: nobody but the one who runs this."""
    if os.geteuid() != 0:
        return None
    if not shutil.which("setpriv"):
        raise Trouble("Postgres refuses to run as root", "run `./unsaid` as an ordinary user")
    for attempt in (1, 2):
        try:
            entry = pwd.getpwnam(NAME)
        except KeyError:
            if attempt == 1:
                _make()
        else:
            return User(entry.pw_uid, entry.pw_gid)
    raise Trouble(f"the user {NAME} can't be made for Postgres", "run `./unsaid` as an ordinary user")


def owner(folder: Path) -> User | None:
    if os.geteuid() != 0:
        return None
    status = folder.stat()
    return User(status.st_uid, status.st_gid)


def as_user(user: User | None, command: list[str], needed: list[Path]) -> list[str]:
    """The command that runs ``command`` as that user, who must reach the ``needed`` paths.

    Where a folder on the way is closed to others (a clone below /root), the process may pass it by a capability
    instead of our opening somebody's folder.
    """
    if user is None:
        return command
    switch = ["setpriv", f"--reuid={user.uid}", f"--regid={user.gid}", "--clear-groups", "--no-new-privs"]
    if any(_closed(path, user) for path in needed):
        # Without the first, access(2) leaves the capability out of account.
        switch += ["--securebits=+no_setuid_fixup", "--inh-caps=-all,+dac_override", "--ambient-caps=+dac_override"]
    return [*switch, "--", *command]


def _closed(path: Path, user: User) -> bool:
    for folder in (path, *path.parents):
        status = folder.stat()
        if status.st_uid != user.uid and not status.st_mode & stat.S_IXOTH:
            return True
    return False


def _make() -> None:
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent", NAME]
    try:
        subprocess.run([*command, "--shell", "/usr/sbin/nologin"], check=False, capture_output=True)
    except FileNotFoundError:
        return
