"""Tools of others verify our logs: golang.org/x/mod/sumdb, the code behind Go's checksum database."""

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.local.home import REPO
from tests.support.consent_log import Tenant

GO = shutil.which("go")
DEBIAN = Path("/usr/share/gocode")
"""Where golang-golang-x-mod-dev puts its source; GOPATH names another place."""
BUILD_S = 180.0


def gopath() -> str | None:
    places = [*os.environ.get("GOPATH", "").split(os.pathsep), str(DEBIAN)]
    return next((each for each in places if each and (Path(each) / "src/golang.org/x/mod/sumdb/tlog").is_dir()), None)


pytestmark = [
    pytest.mark.skipif(GO is None, reason="Go isn't installed (Debian: golang-go)"),
    pytest.mark.skipif(gopath() is None, reason="golang.org/x/mod isn't there (Debian: golang-golang-x-mod-dev)"),
    pytest.mark.timeout(300),
]


@pytest.fixture(scope="module")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, built from the source that is installed, without a network."""
    folder = tmp_path_factory.mktemp("go")
    environment = {**os.environ, "GO111MODULE": "off", "GOPATH": gopath() or "", "GOCACHE": str(folder / "cache")}
    command = [GO or "go", "build", "-o", str(folder / "verify"), str(REPO / "tests/interop/verify.go")]
    subprocess.run(command, env=environment, check=True, timeout=BUILD_S)
    return folder / "verify"


async def run(verifier: Path, *arguments: Path) -> tuple[int, str]:
    done = await asyncio.to_thread(
        subprocess.run, [verifier, *arguments], capture_output=True, text=True, check=False, timeout=30
    )
    return done.returncode, done.stdout + done.stderr


async def test_go_verifies_checkpoints_inclusion_and_consistency(
    tenant: Tenant, verifier: Path, tmp_path: Path
) -> None:
    decided = await tenant.decisions(5)
    former, export = tmp_path / "former.txt", tmp_path / "export"
    former.write_text(await tenant.checkpoint())
    decided += await tenant.decisions(6)
    assert (await tenant.consent("export", export))[0] == 0
    proof, consistency = tmp_path / "one.tlog-proof", tmp_path / "consistency.txt"
    status, body = await tenant.partner.ask("GET", "/v1/consent-log/proof?first=5&second=11")
    assert status == 200, body
    consistency.write_text("\n".join(body["consistency"]) + "\n")
    for index, one in enumerate(decided):
        proof.write_text((await tenant.text(f"/v1/consents/{one['id']}/proof"))[2])
        status, said = await run(verifier, export, proof, former, consistency)
        assert status == 0, said
        assert f"entry {index} is in it" in said
        assert "it begins with the log of 5 entries" in said

    entries = export / "entries.jsonl"
    whole = entries.read_bytes()
    entries.write_bytes(whole.replace(b'"grant"', b'"gramt"', 1))
    status, said = await run(verifier, export)
    assert (status, "its root is" in said) == (1, True)
    entries.write_bytes(whole)
    checkpoint = export / "checkpoint.txt"
    checkpoint.write_text(checkpoint.read_text().replace("\n11\n", "\n10\n"))
    status, said = await run(verifier, export)
    assert status == 1
    assert "the checkpoint: " in said
    body["consistency"].reverse()
    checkpoint.write_text(await tenant.checkpoint())
    consistency.write_text("\n".join(body["consistency"]) + "\n")
    status, said = await run(verifier, export, proof, former, consistency)
    assert status == 1
    assert "consistency: " in said
