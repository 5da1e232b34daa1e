"""Folders of definitions: the platform's own, and one for each tenant."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.home import REPO
from shared.contracts.ids import new_id
from shared.exercises import library
from tests.unit.exercises.test_loading import FOLDER, GOOD

OWN = library.shelf(FOLDER)


def put(folder: Path, name: str, text: str = GOOD) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_all_of_the_platforms_own_are_sound() -> None:
    assert OWN.broken == []
    assert len(OWN.definitions) >= 8


def test_a_file_is_named_for_what_is_in_it(tmp_path: Path) -> None:
    for name in ("small/2.yaml", "other/1.yaml", "small/1.yml"):
        path = put(tmp_path, name)
        found = library.shelf(tmp_path)
        assert [str(one) for one in found.broken] == [f"{path}:1: this file's name must be small/1.yaml"]
        assert found.definitions == {}
        path.unlink()


def test_the_sound_ones_are_there_beside_the_broken(tmp_path: Path) -> None:
    tenant = new_id()
    good = put(tmp_path, f"{tenant}/small/1.yaml")
    bad = put(tmp_path, f"{tenant}/small/2.yaml", GOOD.replace("version: 1", "version: two"))
    found = library.tenants(tmp_path, OWN.definitions)[tenant]
    assert list(found.definitions) == [str(good)]
    assert [(one.file, one.line) for one in found.broken] == [(str(bad), 2)]


def test_no_tenant_takes_the_name_of_one_of_ours(tmp_path: Path) -> None:
    tenant = new_id()
    put(tmp_path, f"{tenant}/values/1.yaml", GOOD.replace("exercise: small", "exercise: values"))
    found = library.tenants(tmp_path, OWN.definitions)[tenant]
    assert found.definitions == {}
    assert "'values' is the name of one of the platform's own" in str(found.broken[0])


@pytest.mark.parametrize("name", ["acme", "00000000-0000-0000-0000-000000000000", "SMALL.yaml"])
def test_a_folder_is_named_for_its_tenant(tmp_path: Path, name: str) -> None:
    put(tmp_path, f"{name}/small/1.yaml")
    found = library.tenants(tmp_path, OWN.definitions)[name]
    assert found.definitions == {}
    assert "named for the id of its tenant" in str(found.broken[0])


def told(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", "from deploy.local.exercises_cli import app; app()", *arguments]
    return subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False, timeout=30)


def test_the_command_line_names_file_line_and_reason(tmp_path: Path) -> None:
    bad = put(tmp_path, f"{new_id()}/small/1.yaml", GOOD.replace("kind: choice", "kind: choise"))
    for path in (bad, tmp_path):
        done = told("check", str(path))
        assert done.returncode == 1
        assert done.stdout.startswith(f"{bad}:12: steps.0.answer: ")
    assert told("check").returncode == 0
    assert json.loads(told("schema").stdout)["title"] == "Exercise"
