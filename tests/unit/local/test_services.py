"""What the services are told is what their settings ask for."""

import json
import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deploy.local import postgres, rabbitmq, services
from deploy.local.home import KEY_SERVICES, SERVICES, Home, Service, State
from services.consent.config import Settings as Consent
from services.gateway.config import Settings as Gateway
from services.notes.config import Settings as Notes
from services.session.config import Settings as Session
from shared.runtime.settings import ServiceSettings

SETTINGS: dict[Service, type[ServiceSettings]] = {
    "gateway": Gateway,
    "session": Session,
    "consent": Consent,
    "notes": Notes,
}


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("UNSAID_")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_accepts_its_environment(name: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    state = State()
    told = services.environment(name, state)
    for variable, value in told.items():
        monkeypatch.setenv(variable, value)
    settings = SETTINGS[name]()
    assert settings.instance == f"{name}-1"
    assert settings.admin_port == services.admin_port(name, state)
    assert settings.database_url.get_secret_value().endswith(f"/{name}")
    known = {f"UNSAID_{field.upper()}" for field in SETTINGS[name].model_fields}
    assert {variable for variable in told if variable.startswith("UNSAID_")} <= known


@pytest.mark.parametrize("name", SERVICES)
def test_only_who_seals_has_the_deployments_key(name: Service) -> None:
    state = State()
    seals = name in KEY_SERVICES
    assert ("content_key" in SETTINGS[name].model_fields) is seals
    assert (state.content_key in services.environment(name, state).values()) is seals


@pytest.mark.parametrize("name", SERVICES)
def test_of_our_own_environment_a_service_gets_what_its_settings_know(
    name: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever starts the platform may have the database's superuser in it."""
    secret = "postgresql://superuser:secret@db.example/postgres"
    for variable in ("UNSAID_POSTGRES_URL", "UNSAID_OWNER_URL", "UNSAID_CLIENT_SECRET", "UNSAID_RABBITMQ_PASSWORD"):
        monkeypatch.setenv(variable, secret)
    for variable, value in (("UNSAID_LOG_LEVEL", "debug"), ("UNSAID_HOME", "/home"), ("LC_ALL", "C.UTF-8")):
        monkeypatch.setenv(variable, value)
    told = services.environment(name, State())
    assert secret not in told.values()
    assert (told["UNSAID_LOG_LEVEL"], told["UNSAID_HOME"], told["LC_ALL"]) == ("debug", "/home", "C.UTF-8")


def test_existing_servers_take_the_place_of_private_ones() -> None:
    state = State(
        postgres_url="postgresql://me@db.example:5/postgres?sslmode=require", amqp_url="amqp://broker.example/x"
    )
    told = services.environment("notes", state)
    address = urlsplit(told["UNSAID_DATABASE_URL"])
    assert (address.username, address.hostname, address.port) == ("notes_serving", "db.example", 5)
    assert (address.path, address.query) == ("/notes", "sslmode=require")
    assert postgres.database_url(state, "notes") == "postgresql://me@db.example:5/notes?sslmode=require"
    assert told["UNSAID_AMQP_URL"] == rabbitmq.url(state) == "amqp://broker.example/x"


def test_each_service_has_secrets_of_its_own() -> None:
    state = State()
    told = [services.environment(name, state) for name in SERVICES]
    secrets = [urlsplit(each[name]).password for each in told for name in ("UNSAID_DATABASE_URL", "UNSAID_AMQP_URL")]
    assert len(set(secrets)) == 2 * len(SERVICES)
    assert not {state.postgres_password, state.amqp_password} & set(secrets)


def test_the_broker_s_definitions_have_every_password(tmp_path: Path) -> None:
    home, state = Home(tmp_path), State()
    rabbitmq.prepare(home, state)
    file = home.rabbitmq / "definitions.json"
    assert file.stat().st_mode & 0o077 == 0
    users = {user["name"]: user["password"] for user in json.loads(file.read_text())["users"]}
    assert users == {name: rabbitmq.password(state, name) for name in (rabbitmq.USER, *SERVICES)}


def test_private_servers_are_reached_on_loopback_only() -> None:
    state = State()
    assert "@127.0.0.1:" in postgres.url(state)
    assert "@127.0.0.1:" in rabbitmq.url(state)


def test_a_broker_listens_on_loopback_only_and_tells_nobody_its_password(tmp_path: Path) -> None:
    home, state = Home(tmp_path), State()
    rabbitmq.prepare(home, state)
    conf = home.rabbitmq / "rabbitmq.conf"
    assert f"listeners.tcp.local = 127.0.0.1:{state.ports.rabbitmq}\n" in conf.read_text()
    assert conf.stat().st_mode & 0o077 == 0
    assert (home.rabbitmq / ".erlang.cookie").stat().st_mode & 0o077 == 0


def test_a_first_start_of_the_broker_that_never_ended_is_begun_anew(tmp_path: Path) -> None:
    home, state = Home(tmp_path), State()
    rabbitmq.prepare(home, state)
    half = home.rabbitmq / "mnesia" / "half"
    half.touch()
    rabbitmq.prepare(home, state)
    assert not half.exists()
    rabbitmq.begun(home)
    half.touch()
    rabbitmq.prepare(home, state)
    assert half.exists()
