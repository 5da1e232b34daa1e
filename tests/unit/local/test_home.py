"""The home folder keeps its secrets to its owner and its promises from one `up` to the next."""

import errno
import stat
from pathlib import Path

import pytest

from deploy.local import up
from deploy.local.home import Home, State, write_private
from deploy.local.trouble import Trouble, from_os_error, need_space


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_the_owner_can_read_what_it_holds(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.make()
    assert _mode(home.folder) == 0o700
    assert _mode(home.state_file) == 0o600
    assert {_mode(folder) for folder in (home.logs, home.pids, home.starts)} == {0o700}


def test_a_folder_that_others_could_read_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    Home(tmp_path).make()
    assert _mode(tmp_path) == 0o700


def test_a_folder_with_other_things_is_neither_used_nor_wiped(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.touch()
    tmp_path.chmod(0o755)
    home = Home(tmp_path)
    with pytest.raises(Trouble, match="holds other things"):
        home.make()
    up.down(home, wipe=True)
    assert list(tmp_path.iterdir()) == [theirs]
    assert _mode(tmp_path) == 0o755


def test_a_home_that_was_never_finished_is_used(tmp_path: Path) -> None:
    home = Home(tmp_path)
    (tmp_path / "state.json.part").touch()
    home.make()
    home.make()
    assert home.state is not None


def test_secrets_are_made_once(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.make()
    first = home.state
    home.make()
    assert home.state == first
    assert first is not None
    assert State().client_secret != first.client_secret
    assert State().content_key != first.content_key


def test_a_new_home_has_none(tmp_path: Path) -> None:
    assert Home(tmp_path).state is None


def test_a_spoilt_state_is_told_with_what_to_do(tmp_path: Path) -> None:
    home = Home(tmp_path)
    write_private(home.state_file, "{")
    with pytest.raises(Trouble, match="down --wipe"):
        _ = home.state


def test_what_was_half_written_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old and longer")
    (tmp_path / "file.part").write_text("from a run that was cut off")
    write_private(path, "new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_pid_file_that_was_never_finished_names_no_process(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.make()
    (home.pids / "session").write_text("")
    assert home.pid("session") is None
    assert home.pid("gateway") is None


def test_a_full_disk_is_told_before_and_after(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="nearly full"):
        need_space(tmp_path, 10**12)
    need_space(tmp_path, 1)
    full = from_os_error(OSError(errno.ENOSPC, "No space left on device", str(tmp_path)))
    assert "disk is full" in full.what
    assert str(tmp_path) in full.what
    assert "free some space" in full.mend
