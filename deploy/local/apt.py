"""Debian's and Ubuntu's packages, where we may install them. Standard library only: the installer uses it too."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

POLICY = Path("/usr/sbin/policy-rc.d")
LIMIT_S = 900


def missing() -> str | None:
    """Why nothing can be installed by apt; None if it can."""
    if not shutil.which("apt-get"):
        return "this machine has no apt"
    if os.geteuid() == 0:
        return None
    sudo = shutil.which("sudo")
    if not sudo:
        return "apt needs root, and there is no sudo"
    if subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode:
        return "apt needs root, and sudo asks for a password"
    return None


def install(package: str, services: Sequence[str] = ()) -> str | None:
    """Install a package without starting its ``services``; the reason if that fails."""
    with _no_start():
        reason = _install(package)
    if reason is None and services and shutil.which("systemctl"):
        _as_root(["systemctl", "disable", *services])  # or they would start with the machine
    return reason


def _install(package: str) -> str | None:
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
    if _as_root(command).returncode == 0:
        return None
    _as_root(["apt-get", "update", "-qq"])  # its lists may be old, or not there at all
    done = _as_root(command)
    if done.returncode == 0:
        return None
    lines = [line for line in done.stderr.splitlines() if line.startswith("E:")]
    return " ".join(lines) or "apt-get failed"


@contextmanager
def _no_start() -> Iterator[None]:
    """Packages ask this file whether to start their services; an existing one is the machine's own decision."""
    if POLICY.exists() or not POLICY.parent.is_dir():
        yield
        return
    _as_root(["sh", "-c", f"printf '#!/bin/sh\\nexit 101\\n' > {POLICY} && chmod 755 {POLICY}"])
    try:
        yield
    finally:
        _as_root(["rm", "-f", str(POLICY)])


def _as_root(command: list[str]) -> subprocess.CompletedProcess[str]:
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    full = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", *command]
    try:
        return subprocess.run(
            full, capture_output=True, text=True, check=False, timeout=LIMIT_S, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(full, 1, "", f"E: nothing came of it in {LIMIT_S} s")
