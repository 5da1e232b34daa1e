"""`./unsaid` as it is called: what a person did wrong is told without a traceback, with an exit status."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local import apt, install, packages, rabbitmq
from deploy.local.home import REPO
from deploy.local.trouble import Trouble


def _unsaid(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "UNSAID_HOME": str(home), "COLUMNS": "200"}
    command = [sys.executable, "-m", "deploy.local.cli", *arguments]
    return subprocess.run(command, cwd=REPO, env=environment, capture_output=True, text=True, check=False)


def test_each_verb_has_its_help(tmp_path: Path) -> None:
    overview = _unsaid(tmp_path, "--help")
    assert overview.returncode == 0
    for verb in ("up", "down", "status", "logs", "test", "doctor"):
        assert f" {verb} " in overview.stdout
    assert "--detach" in _unsaid(tmp_path, "up", "--help").stdout
    assert "--wipe" in _unsaid(tmp_path, "down", "--help").stdout


@pytest.mark.parametrize(
    ("arguments", "said", "status"),
    [
        (["status"], "./unsaid up", 1),
        (["logs", "gateway"], "has logged nothing yet", 1),
        (["logs", "nobody"], "nobody is none of", 2),
        (["down"], "nothing to stop", 0),
        (["up", "--only", "nobody"], "nobody is none of", 2),
    ],
)
def test_nothing_there_yet(tmp_path: Path, arguments: list[str], said: str, status: int) -> None:
    done = _unsaid(tmp_path / "none", *arguments)
    assert done.returncode == status
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_half_an_export_is_told(tmp_path: Path) -> None:
    (tmp_path / "entries.jsonl").touch()
    done = _unsaid(tmp_path / "none", "consent", "verify", str(tmp_path))
    assert done.returncode == 1
    assert "hashes.txt, checkpoint.txt, key.txt is missing" in done.stderr
    done = _unsaid(tmp_path / "none", "consent", "verify", str(tmp_path), "--key", "any")
    assert "hashes.txt, checkpoint.txt is missing" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_home_folder_that_can_t_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = _unsaid(tmp_path / "file" / "home", "up", "--detach")
    assert done.returncode == 1
    assert done.stderr.startswith("unsaid: ")
    assert "Traceback" not in done.stderr


def test_python_too_old_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 8, 1, "final", 0))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SystemExit) as left:
        runpy.run_path(str(REPO / "unsaid"))
    assert left.value.code == 1
    said = capsys.readouterr().err
    assert "Python 3.8 is too old" in said
    assert "install one" in said


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("error: No space left on device (os error 28)", "the disk is full"),
        ("error sending request for url", "can't be reached"),
        ("something else", "something else"),
    ],
)
def test_an_installation_that_fails_says_why(output: str, said: str) -> None:
    with pytest.raises(Trouble, match=said):
        install._run("installing", [sys.executable, "-c", f"import sys; print({output!r}); sys.exit(1)"])


def test_no_rabbitmq_names_the_other_ways(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(rabbitmq, "PLACES", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Trouble, match="this machine has no apt") as trouble:
        packages.need_rabbitmq()
    for way in ("apt-get install", "brew install rabbitmq", "docker compose up", "UNSAID_AMQP_URL"):
        assert way in trouble.value.mend


def test_no_package_is_installed_without_being_allowed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, body in {"apt-get": "exit 0", "sudo": "exit 1"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert apt.missing() == "apt needs root, and sudo asks for a password"
    (tmp_path / "sudo").write_text("#!/bin/sh\nexit 0\n")
    assert apt.missing() is None
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert apt.missing() is None


def test_an_installation_counts_only_for_its_lock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("one==1")
    monkeypatch.setattr(install, "LOCK", lock)
    monkeypatch.setattr(install, "STAMP", tmp_path / "stamp")
    monkeypatch.setattr(install, "PYTHON", Path(sys.executable))
    assert not install._installed()
    install.STAMP.write_text(install.stamp())
    assert install._installed()
    lock.write_text("one==2")
    assert not install._installed()
