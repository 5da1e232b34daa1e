"""Makes `.venv` with the locked libraries. Standard library only: nothing else is there yet.

In: `requirements.lock`. Out: `.venv`, with a stamp that says which lock and which Python it was made for. Without a
true stamp it is brought up to date, or made anew when it is broken.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

from deploy.local import apt
from deploy.local.progress import say, step
from deploy.local.trouble import Trouble, from_os_error, need_space

REPO = Path(__file__).resolve().parents[2]
VENV = REPO / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed-for"
LOCK = REPO / "requirements.lock"
UV_LOCK = REPO / "deploy" / "local" / "uv.lock"
NEEDED_MB = 1_200
# What pip and uv say when no index answers.
NO_NETWORK = ("name resolution", "error sending request", "Network is unreachable", "Connection refused", "timed out",
              "Failed to establish a new connection", "dns error", "tunnel error")  # fmt: skip


def main(arguments: list[str]) -> NoReturn:
    """Install what is missing, then become the real command."""
    try:
        _ensure()
    except Trouble as trouble:
        _fail(trouble)
    except OSError as error:
        _fail(from_os_error(error))
    except KeyboardInterrupt:
        say("\nunsaid: stopped; the next run goes on where this one was")
        sys.exit(130)
    # -P: what lies in the user's current folder must not be taken for ours.
    environment = {**os.environ, "PYTHONPATH": str(REPO)}
    os.execve(PYTHON, [str(PYTHON), "-P", "-m", "deploy.local.cli", *arguments], environment)  # noqa: S606


def stamp() -> str:
    digest = hashlib.sha256(LOCK.read_bytes() + UV_LOCK.read_bytes()).hexdigest()
    return f"{digest} {'.'.join(map(str, sys.version_info[:3]))}"


def _ensure() -> None:
    with LOCK.open() as lock:
        # Two commands at once must not both install.
        if _installed():
            return
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _installed():
            _install()


def _installed() -> bool:
    return STAMP.exists() and STAMP.read_text() == stamp() and os.access(PYTHON, os.X_OK)


def _install() -> None:
    need_space(REPO, NEEDED_MB)
    STAMP.unlink(missing_ok=True)
    if not _whole():
        say(f"Installing into {VENV}; this is needed once.")
        _need_venv()
        if VENV.exists():
            shutil.rmtree(VENV)
        _run("making .venv", [sys.executable, "-m", "venv", str(VENV)])
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    _run("installing uv", [*pip, "-r", str(UV_LOCK)])
    sync = [str(VENV / "bin" / "uv"), "pip", "sync", "--quiet", "--require-hashes", "--python", str(PYTHON), str(LOCK)]
    _run("installing the locked libraries", sync)
    part = STAMP.with_suffix(".part")
    part.write_text(stamp())
    part.replace(STAMP)


def _whole() -> bool:
    """Whether there is a virtual environment of this Python whose pip works."""
    this = f"{sys.version_info[0]}.{sys.version_info[1]}"
    say_version = "import sys, pip; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([PYTHON, "-c", say_version], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return done.returncode == 0 and done.stdout.strip() == this


def _need_venv() -> None:
    """Debian keeps the parts of the standard library that make virtual environments in a package of their own."""
    if importlib.util.find_spec("ensurepip") and importlib.util.find_spec("venv"):
        return
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    reason = apt.missing()
    if reason is None:
        with step(f"installing {package}"):
            reason = apt.install(package)
        importlib.invalidate_caches()
        if reason is None and importlib.util.find_spec("ensurepip"):
            return
    raise Trouble(
        f"this Python can't make virtual environments, and {package} can't be installed: {reason}",
        f"`sudo apt-get install {package}` on Debian and Ubuntu; elsewhere, a Python that is whole",
    )


def _run(what: str, command: list[str]) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PYTHONHOME"}}
    with step(what):
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
    if done.returncode == 0:
        return
    said = f"{done.stdout}\n{done.stderr}".strip()
    last = "\n        ".join(said.splitlines()[-6:])
    if "No space left on device" in said:
        raise Trouble(f"{what}: the disk is full", "free some space, then run the same command again")
    if any(sign in said for sign in NO_NETWORK):
        raise Trouble(
            f"{what}: the package index can't be reached\n        {last}",
            "is the network there, or a proxy needed (HTTPS_PROXY)? Then run the same command again",
        )
    raise Trouble(f"{what} failed:\n        {last}", "run the same command again; it goes on where it stopped")


def _fail(trouble: Trouble) -> NoReturn:
    say(f"unsaid: {trouble.what}\n        {trouble.mend}")
    sys.exit(1)
