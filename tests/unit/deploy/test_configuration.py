"""Each service's settings and the deployment files name the same variables, with values that the service takes."""

import importlib
import re
from base64 import b64encode

import pytest
from kubernetes_validate import validate
from pydantic_settings import BaseSettings

from shared.runtime.service import OWNER_URL
from tests.unit.deploy.files import KUBERNETES, OVERLAYS, ROOT, SERVICES, compose_config, parse, pod_environment, pods

PREFIX = "UNSAID_"
SOME_KEY = b64encode(bytes(32)).decode()
SOME_SECRETS = {
    "UNSAID_DATABASE_URL": "postgresql://user:password@host/name",
    "UNSAID_KEYS_URL": "postgresql://user:password@host/keys",
    "UNSAID_AMQP_URL": "amqp://user:password@host/",
    "UNSAID_CONTENT_KEY": SOME_KEY,
    "UNSAID_CONSENT_LOG_KEY": SOME_KEY,
    "UNSAID_TOKEN_KEYS": f'{{"k":"{SOME_KEY}"}}',
}


def _settings(service: str) -> type[BaseSettings]:
    settings: type[BaseSettings] = importlib.import_module(f"services.{service}.config").Settings
    assert settings.model_config["env_prefix"] == PREFIX
    return settings


def _variables(service: str) -> set[str]:
    return {PREFIX + name.upper() for name in _settings(service).model_fields}


def _required(service: str) -> set[str]:
    return {PREFIX + name.upper() for name, field in _settings(service).model_fields.items() if field.is_required()}


def _secrets(service: str) -> set[str]:
    fields = _settings(service).model_fields.items()
    return {PREFIX + name.upper() for name, field in fields if "SecretStr" in str(field.annotation)}


def _compose_variables(service: str) -> dict[str, str]:
    return {name: str(value) for name, value in parse("docker-compose.yml")["services"][service]["environment"].items()}


def _accepted(service: str, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> BaseSettings:
    for name in _variables(service):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return _settings(service)()


@pytest.mark.parametrize("service", SERVICES)
def test_compose_names_what_the_service_reads(service: str) -> None:
    named = set(_compose_variables(service))
    assert named - _variables(service) == set(), "in docker-compose.yml, unknown to the service"
    assert _required(service) - named == set(), "needed by the service, not in docker-compose.yml"


@pytest.mark.parametrize("service", SERVICES)
def test_compose_takes_each_secret_from_outside_and_has_none_of_its_own(service: str) -> None:
    environment = _compose_variables(service)
    for name in _secrets(service):
        assert re.search(r"\$\{UNSAID_[A-Z_]+:-}", environment[name]), name


@pytest.mark.parametrize("service", SERVICES)
def test_compose_has_values_that_the_service_takes(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {name: str(value) for name, value in compose_config()["services"][service]["environment"].items()}
    settings = _accepted(service, environment | {name: SOME_SECRETS[name] for name in _secrets(service)}, monkeypatch)
    assert settings.model_fields_set == {name.removeprefix(PREFIX).lower() for name in environment}


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("service", SERVICES)
def test_a_migration_is_told_the_owners_address_and_no_service_is(service: str, overlay: str) -> None:
    parts = pods(overlay, service)
    assert pod_environment(overlay, parts["Job"]) == {OWNER_URL: None}
    assert OWNER_URL not in pod_environment(overlay, parts["Deployment"])
    composed = parse("docker-compose.yml")["services"]
    assert set(composed[f"{service}-migrate"]["environment"]) == {OWNER_URL}
    assert OWNER_URL not in composed[service]["environment"]


def test_the_operator_comes_as_the_owners_and_as_nobody_else() -> None:
    pod = parse("deploy/k8s/operator.yaml")
    for version in KUBERNETES:
        validate(pod, version, strict=True)
    secrets = {
        (container["name"], variable["name"], variable["valueFrom"]["secretKeyRef"]["name"])
        for container in pod["spec"]["containers"]
        for variable in container["env"]
        if "valueFrom" in variable
    }
    owners = {(name, OWNER_URL, f"unsaid-{name}-owner") for name in ("gateway", "session", "consent")}
    assert secrets == {*owners, ("keys", "UNSAID_KEYS_URL", "unsaid-keys-owner")}


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("service", SERVICES)
def test_kubernetes_names_what_the_service_reads(service: str, overlay: str) -> None:
    environment = pod_environment(overlay, pods(overlay, service)["Deployment"])
    assert set(environment) - _variables(service) == set(), "in deploy/k8s, unknown to the service"
    assert _required(service) - set(environment) == set(), "needed by the service, not in deploy/k8s"
    assert {name for name, value in environment.items() if value is None} == _secrets(service)


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("service", SERVICES)
def test_kubernetes_has_values_that_the_service_takes(
    service: str, overlay: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = pod_environment(overlay, pods(overlay, service)["Deployment"])
    filled = {name: SOME_SECRETS[name] if value is None else value for name, value in environment.items()}
    settings = _accepted(service, filled, monkeypatch)
    assert settings.model_fields_set == {name.removeprefix(PREFIX).lower() for name in environment}


@pytest.mark.parametrize("where", ["compose", *OVERLAYS])
def test_numbers_of_queues_are_the_same_for_all_services(where: str) -> None:
    """A gateway that counted differently would send to queues that nobody reads."""
    numbers: dict[str, set[str | None]] = {}
    for service in SERVICES:
        if where == "compose":
            environment: dict[str, str | None] = {**_compose_variables(service)}
        else:
            environment = pod_environment(where, pods(where, service)["Deployment"])
        for name in environment:
            if name.endswith("_QUEUES"):
                numbers.setdefault(name, set()).add(environment[name])
    assert set(numbers) == {"UNSAID_SESSION_QUEUES", "UNSAID_CONSENT_QUEUES", "UNSAID_NOTES_QUEUES"}
    assert {name for name, values in numbers.items() if len(values) > 1} == set()


def test_the_example_of_an_env_file_names_what_compose_asks_for() -> None:
    asked = set(re.findall(r"\$\{(UNSAID_[A-Z_]+)", (ROOT / "docker-compose.yml").read_text(encoding="utf-8")))
    named = re.findall(r"^#?(UNSAID_[A-Z_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(named) == sorted(asked)
