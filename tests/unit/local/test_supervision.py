"""What supervisord is told, and as whom Postgres runs."""

from configparser import ConfigParser
from pathlib import Path

import pytest

from deploy.local import postgres_user, supervision
from deploy.local.home import PARTS, Home
from deploy.local.postgres_user import User
from deploy.local.trouble import Trouble

SOMEBODY = User(uid=64_000, gid=64_001)


def _config(folder: Path) -> ConfigParser:
    parser = ConfigParser()
    parser.read_string(supervision._config(Home(folder), folder / "socket"))
    return parser


def test_every_part_is_restarted_and_stopped_in_its_own_way() -> None:
    config = _config(Path("/tmp/home"))
    assert [name for name in config.sections() if name.startswith("program:")] == [f"program:{part}" for part in PARTS]
    for part in PARTS:
        program = config[f"program:{part}"]
        assert program["command"].endswith(f"-m deploy.local.launch {part}")
        assert program["autorestart"] == "true"
        assert program["stdout_logfile_maxbytes"] == "10MB"
    assert config["program:postgres"]["stopsignal"] == "INT"
    assert config["program:session"]["stopsignal"] == "TERM"
    assert config["program:session"]["stopwaitsecs"] == "20"


def test_no_secret_is_in_it(tmp_path: Path) -> None:
    assert "UNSAID" not in supervision._config(Home(tmp_path), tmp_path / "socket")


def test_signs_in_a_path_are_not_taken_for_orders() -> None:
    config = _config(Path("/tmp/100% mine"))
    assert config["supervisord"]["logfile"] == "/tmp/100% mine/logs/supervisor.log"


def test_a_long_path_gets_a_socket_with_a_name_that_fits() -> None:
    short = Home(Path("/tmp/home"))
    long = Home(Path("/tmp") / ("long" * 30))
    assert supervision._socket_path(short) == Path("/tmp/home/supervisor.sock")
    assert len(str(supervision._socket_path(long))) < 90
    assert supervision._socket_path(long) != supervision._socket_path(Home(Path("/tmp") / ("other" * 30)))


def test_a_supervisor_is_alive_only_if_the_process_is_it(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert not supervision.Supervisor(home).alive()
    home.supervisor_pid.write_text("1")
    assert not supervision.Supervisor(home).alive()


def test_a_supervisor_that_is_gone_is_trouble_not_a_traceback(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="doesn't answer"):
        supervision.Supervisor(Home(tmp_path)).parts()


def test_postgres_passes_closed_folders_only_where_there_are_some(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    closed = postgres_user.as_user(SOMEBODY, ["postgres"], [private])
    assert closed[0] == "setpriv"
    assert "--reuid=64000" in closed
    assert "--ambient-caps=+dac_override" in closed
    assert closed[-2:] == ["--", "postgres"]
    assert not any("caps" in word for word in postgres_user.as_user(SOMEBODY, ["postgres"], [Path("/usr/bin/env")]))


def test_an_ordinary_user_runs_postgres_itself() -> None:
    assert postgres_user.as_user(None, ["postgres", "-D", "data"], []) == ["postgres", "-D", "data"]
