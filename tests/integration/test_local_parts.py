"""The private Postgres and RabbitMQ of `./unsaid up`: started, killed, started again by the supervisor, stopped."""

import os
import signal
import time
from collections.abc import Callable, Iterator

import psutil
import psycopg
import pytest

from deploy.local import packages, postgres, ready, up
from deploy.local.home import Home, Part, State
from deploy.local.processes import works
from deploy.local.supervision import Supervisor
from deploy.local.trouble import Trouble

BOTH: tuple[Part, Part] = ("postgres", "rabbitmq")
LIMIT_S = 60

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    try:
        packages.need_rabbitmq()
    except Trouble as trouble:
        pytest.skip(trouble.what)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("UNSAID_POSTGRES_URL", "UNSAID_AMQP_URL"):
            patch.delenv(name, raising=False)
        home = Home(tmp_path_factory.mktemp("home"))
        up.up(home, BOTH)
        yield home
        up.down(home, wipe=True)
        assert not home.folder.exists()
    assert _still_of(home) == []


@pytest.fixture
def state(home: Home) -> State:
    state = home.state
    assert state is not None
    return state


def _still_of(home: Home) -> list[str]:
    return [
        process.name()
        for process in psutil.process_iter()
        if any(str(home.folder) in word for word in _command_line(process))
    ]


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _eventually(check: Callable[[], bool]) -> None:
    end = time.monotonic() + LIMIT_S
    while not check():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


def _kill(home: Home, name: Part) -> int:
    """Kill a part and wait until the supervisor has begun another one."""
    pid = home.pid(name)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    _eventually(lambda: home.pid(name) not in {None, pid})
    return pid


def test_what_runs_with_other_rights_is_not_upgraded_in_half(home: Home) -> None:
    known = home.rabbitmq / "definitions.json"
    whole = known.read_text()
    known.write_text(whole.replace("unsaid.live", "unsaid.before"))
    with pytest.raises(Trouble, match="another version"):
        up.up(home, BOTH)
    known.write_text(whole)


def test_the_ids_are_those_of_the_real_processes(home: Home) -> None:
    names = {name: psutil.Process(home.pid(name)).name() for name in BOTH}
    assert names == {"postgres": "postgres", "rabbitmq": "beam.smp"}


def test_everything_listens_on_loopback_only(home: Home, state: State) -> None:
    ours = {state.ports.postgres, state.ports.rabbitmq, state.ports.rabbitmq_distribution, state.ports.epmd}
    listening = [c.laddr for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN and c.laddr]
    found = {(address.port, address.ip) for address in listening if address.port in ours}
    assert {port for port, _ in found} == ours
    assert {ip for _, ip in found} <= {"127.0.0.1", "::1"}


def test_postgres_keeps_content_out_of_its_log_and_commits_on_disk(state: State) -> None:
    expected = {
        "fsync": "on",
        "synchronous_commit": "on",
        "data_checksums": "on",
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
        "log_parameter_max_length": "0",
        "log_parameter_max_length_on_error": "0",
        "password_encryption": "scram-sha-256",
    }
    with psycopg.connect(postgres.url(state)) as connection:
        found: dict[str, str] = dict(connection.execute("SELECT name, setting FROM pg_settings").fetchall())
    assert {name: found[name] for name in expected} == expected


def test_a_wrong_password_is_refused(state: State) -> None:
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(postgres.url(state.model_copy(update={"postgres_password": "guessed"})))


def test_a_killed_postgres_comes_back_with_what_was_committed(home: Home, state: State) -> None:
    with psycopg.connect(postgres.url(state), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        backend = psutil.Process(connection.info.backend_pid)
        before = Supervisor(home).part("postgres").restarts
        _kill(home, "postgres")
        ready.wait_postgres(state, Supervisor(home))
        assert not works(backend)
    with psycopg.connect(postgres.url(state)) as connection:
        assert connection.execute("SELECT one FROM kept").fetchall() == [(1,)]
    assert Supervisor(home).part("postgres").restarts == before + 1


def test_a_killed_broker_comes_back(home: Home, state: State) -> None:
    before = Supervisor(home).part("rabbitmq").restarts
    _kill(home, "rabbitmq")
    ready.wait_rabbitmq(home, state, Supervisor(home))
    assert Supervisor(home).part("rabbitmq").restarts == before + 1
    assert psutil.Process(home.pid("rabbitmq")).name() == "beam.smp"


def test_up_again_changes_nothing(home: Home, state: State) -> None:
    pids = [home.pid(name) for name in BOTH]
    assert up.up(home, BOTH) == state
    assert [home.pid(name) for name in BOTH] == pids


def test_a_killed_supervisor_s_parts_are_found_and_begun_anew(home: Home, state: State) -> None:
    left = [psutil.Process(home.pid(name)) for name in BOTH]
    supervisor = home.number(home.supervisor_pid)
    assert supervisor is not None
    os.kill(supervisor, signal.SIGKILL)
    _eventually(lambda: not Supervisor(home).alive())
    again = up.up(home, BOTH)
    assert again == state, "the ports were free again, so they are the same"
    assert not any(works(process) for process in left)
