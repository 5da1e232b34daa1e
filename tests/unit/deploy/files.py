"""The deployment files, parsed, and as the tools that read them make of them."""

import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
SERVICES = ("gateway", "session", "consent", "notes")
OVERLAYS = ("local", "eu", "us")
KUBERNETES = ("1.31", "1.37")

Yaml = dict[str, Any]


def run(*command: str) -> str:
    """What the command prints; a failing one fails the test with what it said."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def parse(path: str) -> Yaml:
    content: Yaml = yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))
    return content


@cache
def compose_config() -> Yaml:
    """docker-compose.yml as Compose understands it, with the values of .env.example."""
    commands = [[found] for name in ("docker-compose",) if (found := shutil.which(name))]
    if (docker := shutil.which("docker")) and not commands:
        plugin = subprocess.run([docker, "compose", "version"], capture_output=True, timeout=20, check=False)
        commands = [[docker, "compose"]] if plugin.returncode == 0 else []
    if not commands:
        pytest.skip("neither docker-compose nor docker's compose plugin is installed (Debian: docker-compose)")
    content: Yaml = yaml.safe_load(run(*commands[0], "--env-file", ".env.example", "config"))
    return content


@cache
def rendered(overlay: str) -> str:
    if not (kubectl := shutil.which("kubectl")):
        pytest.skip("kubectl isn't installed (Debian: kubernetes-client)")
    return run(kubectl, "kustomize", f"deploy/k8s/overlays/{overlay}")


def objects(overlay: str) -> list[Yaml]:
    return list(yaml.safe_load_all(rendered(overlay)))


def pods(overlay: str, service: str) -> dict[str, Yaml]:
    """The pod templates of a service, by kind: the service itself (Deployment) and its migrations (Job)."""
    names = {service, f"{service}-migrate"}
    workloads = [o for o in objects(overlay) if o["kind"] in {"Deployment", "Job"} and o["metadata"]["name"] in names]
    return {workload["kind"]: workload["spec"]["template"]["spec"] for workload in workloads}


def pod_environment(overlay: str, pod: Yaml) -> dict[str, str | None]:
    """The variables of a pod's only container; None for what comes from a secret."""
    maps = {o["metadata"]["name"]: o["data"] for o in objects(overlay) if o["kind"] == "ConfigMap"}
    (container,) = pod["containers"]
    environment: dict[str, str | None] = {}
    for source in container.get("envFrom", []):
        environment |= maps[source["configMapRef"]["name"]]
    for variable in container["env"]:
        assert set(variable["valueFrom"]) == {"secretKeyRef"}
        environment[variable["name"]] = None
    return environment
