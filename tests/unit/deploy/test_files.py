"""The deployment files are accepted by the tools that read them, and agree with each other."""

import importlib
import re
import tomllib
from pathlib import Path

import pytest
from kubernetes_validate import validate

from tests.unit.deploy.files import KUBERNETES, OVERLAYS, ROOT, SERVICES, Yaml, compose_config, objects, parse, pods

PIN = re.compile(r"^(?P<name>[a-z0-9._-]+)==(?P<version>\S+)(?P<rest>(?:.*\\\n)*.*)", re.MULTILINE)
HASH = re.compile(r"--hash=(\S+)")


def _pins(path: str) -> dict[str, tuple[str, frozenset[str]]]:
    pins = PIN.finditer((ROOT / path).read_text(encoding="utf-8"))
    return {pin["name"]: (pin["version"], frozenset(HASH.findall(pin["rest"]))) for pin in pins}


def _name(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower()


def _admin_port(service: str) -> int:
    port: int = importlib.import_module(f"services.{service}.config").Settings.model_fields["admin_port"].default
    return port


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_builds_and_is_valid(overlay: str, version: str) -> None:
    parts = objects(overlay)
    kinds = [part["kind"] for part in parts]
    # The key store is migrated by its owner.
    assert [kinds.count(kind) for kind in ("Deployment", "Service", "Job", "ConfigMap")] == [
        4,
        4,
        5,
        4,
    ]
    for part in parts:
        validate(part, version, strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("service", SERVICES)
def test_a_pod_may_do_nothing_but_its_work(service: str, overlay: str) -> None:
    for pod in pods(overlay, service).values():
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        (container,) = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]


@pytest.mark.parametrize("service", SERVICES)
def test_probes_ask_the_admin_port(service: str) -> None:
    (container,) = pods("local", service)["Deployment"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports["admin"] == _admin_port(service)
    paths = {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
    for probe, path in paths.items():
        assert container[probe]["httpGet"] == {"path": path, "port": "admin"}


@pytest.mark.parametrize("overlay", ["eu", "us"])
def test_the_host_is_the_one_in_the_public_url(overlay: str) -> None:
    (config,) = [o["data"] for o in objects(overlay) if o["kind"] == "ConfigMap" and "UNSAID_PUBLIC_URL" in o["data"]]
    (ingress,) = [o["spec"] for o in objects(overlay) if o["kind"] == "Ingress"]
    host = config["UNSAID_PUBLIC_URL"].removeprefix("https://")
    assert [rule["host"] for rule in ingress["rules"]] == [host]
    assert ingress["tls"][0]["hosts"] == [host]
    assert config["UNSAID_REGION"] == overlay


def test_compose_accepts_its_file() -> None:
    assert set(compose_config()["services"]) == {
        *SERVICES,
        *(f"{service}-migrate" for service in SERVICES),
        "keys",
        "postgres",
        "rabbitmq",
        "prometheus",
    }


def test_compose_publishes_on_loopback_only() -> None:
    services: dict[str, Yaml] = parse("docker-compose.yml")["services"]
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert published
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []


def test_compose_mounts_files_that_exist() -> None:
    services: dict[str, Yaml] = parse("docker-compose.yml")["services"]
    mounts = [mount for service in services.values() for mount in service.get("volumes", [])]
    local = [mount.split(":")[0] for mount in mounts if mount.startswith(".")]
    assert len(local) == 5
    assert [path for path in local if not (ROOT / path).is_file()] == []


def test_each_database_is_made_for_compose() -> None:
    script = (ROOT / "deploy/postgres/create-databases.sh").read_text(encoding="utf-8")
    loop = re.search(r"^for name in (.+); do$", script, re.MULTILINE)
    assert loop
    assert sorted(loop[1].split()) == sorted(SERVICES)


def test_prometheus_scrapes_the_admin_port_of_each_service() -> None:
    (job,) = parse("deploy/prometheus/prometheus.yml")["scrape_configs"]
    targets = {target for group in job["static_configs"] for target in group["targets"]}
    assert targets == {f"{service}:{_admin_port(service)}" for service in SERVICES}
    services = parse("docker-compose.yml")["services"]
    composed = {f"{name}:{services[name]['environment']['UNSAID_ADMIN_PORT']}" for name in SERVICES}
    assert targets == composed


def test_the_image_holds_locked_versions_and_none_of_the_tools() -> None:
    image, everything = _pins("deploy/requirements.image.lock"), _pins("requirements.lock")
    assert len(image) > 10
    assert {name for name, pin in image.items() if everything.get(name) != pin} == set()
    assert {name for name, (_, hashes) in image.items() if not hashes} == set()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    main = {_name(requirement) for requirement in project["project"]["dependencies"]}
    assert main - set(image) == set()
    tools = {_name(requirement) for group in project["dependency-groups"].values() for requirement in group}
    assert tools & set(image) == set()


def test_the_image_is_made_of_what_is_sent_to_the_builder() -> None:
    """What the Dockerfile copies from the tree must be let through by .dockerignore, and nothing else is."""
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
    sources = {Path(source) for line in copies for source in line.split()}
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_through = {Path(line[1:]) for line in ignored if line.startswith("!")}
    assert "*" in ignored
    assert len(sources) > 3
    assert {source for source in sources if not let_through & {source, *source.parents}} == set()
    assert {path for path in let_through if not any(path in {source, *source.parents} for source in sources)} == set()
