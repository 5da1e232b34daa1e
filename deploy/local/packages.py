"""What must come from the machine: RabbitMQ and, for the tests, Chromium. Installed by apt where that is allowed."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local import rabbitmq
from deploy.local.progress import say, step
from deploy.local.trouble import Trouble

POLICY = Path("/usr/sbin/policy-rc.d")
APT_S = 900


def need_rabbitmq() -> None:
    """Find RabbitMQ or install it; raise Trouble, with the other ways, where neither can be."""
    if rabbitmq.find():
        return
    reason = apt_missing()
    if reason is None:
        say("RabbitMQ is missing; installing Debian's package rabbitmq-server (its own service stays off)")
        with step("installing RabbitMQ"), _no_services():
            reason = install("rabbitmq-server")
        _disable_services()
        if rabbitmq.find():
            return
    raise Trouble(
        f"RabbitMQ is missing, and can't be installed: {reason}",
        "install it (`sudo apt-get install rabbitmq-server`, `brew install rabbitmq`), name a running one with"
        " UNSAID_AMQP_URL, or use `docker compose up` instead of `./unsaid up`",
    )


def apt_missing() -> str | None:
    """Why nothing can be installed by apt; None if it can."""
    if not shutil.which("apt-get"):
        return "this machine has no apt"
    if os.geteuid() == 0:
        return None
    if not shutil.which("sudo"):
        return "apt needs root, and there is no sudo"
    if subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode:
        return "apt needs root, and sudo asks for a password"
    return None


def install(package: str) -> str | None:
    """Install a package; the reason if that fails."""
    arguments = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
    if _root(arguments).returncode == 0:
        return None
    _root(["apt-get", "update", "-qq"])
    done = _root(arguments)
    if done.returncode == 0:
        return None
    lines = [line for line in done.stderr.splitlines() if line.startswith("E:")] or done.stderr.splitlines()[-1:]
    return " ".join(lines) or "apt-get failed"


@contextmanager
def _no_services() -> Iterator[None]:
    """Packages ask this file whether to start their services at once."""
    if POLICY.exists() or not POLICY.parent.is_dir():
        yield
        return
    _root(["sh", "-c", f"printf '#!/bin/sh\\nexit 101\\n' > {POLICY} && chmod 755 {POLICY}"])
    try:
        yield
    finally:
        _root(["rm", "-f", str(POLICY)])


def _disable_services() -> None:
    """Neither at the next boot: the package enables them."""
    if shutil.which("systemctl"):
        _root(["systemctl", "disable", "rabbitmq-server.service", "epmd.service", "epmd.socket"])


def _root(command: list[str]) -> subprocess.CompletedProcess[str]:
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    if as_root:
        as_root += ["--preserve-env=DEBIAN_FRONTEND"]
    return subprocess.run(
        [*as_root, *command], env=environment, capture_output=True, text=True, check=False, timeout=APT_S
    )
