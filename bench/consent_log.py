"""`./unsaid bench consent-log`: how long it takes to verify a consent log, and how much memory.

An export of made-up decisions is written as `./unsaid consent export` writes it. `./unsaid consent verify` is then run
on it as anybody would run it, a process of its own: a tenth of the log first, so that memory that grows would show.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from deploy.local import consent_log
from deploy.local.home import REPO
from deploy.local.progress import step
from deploy.local.trouble import Trouble
from shared.contracts.ids import PURPOSES, rfc3339
from shared.transparency.checkpoints import Checkpoint
from shared.transparency.merkle import Frontier, leaf_hash
from shared.transparency.notes import Signer

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Figures:
    """One verification: of how many decisions, in how many seconds of the clock and of a core, with how much memory."""

    decisions: int
    export_mb: float
    seconds: float
    cpu_s: float
    memory_mb: float


def measure_consent_log(entries: int, out: Path | None) -> None:
    """Measure a tenth of the log and all of it, print both, and write them to a file if one is named."""
    figures = [_measure(size) for size in (max(1, entries // 10), entries)]
    table = Table("decisions", "export MB", "s", "CPU s", "peak memory MB", box=None)
    for each in figures:
        table.add_row(
            f"{each.decisions:,}",
            f"{each.export_mb:.0f}",
            f"{each.seconds:.1f}",
            f"{each.cpu_s:.1f}",
            f"{each.memory_mb:.0f}",
        )
    Console().print(table)
    if out is not None:
        out.write_text(json.dumps([asdict(each) for each in figures], indent=1) + "\n")


def _measure(size: int) -> Figures:
    folder = Path(tempfile.mkdtemp(prefix="ub"))
    try:
        with step(f"making a log of {size:,} decisions"):
            _write(folder, size)
        before, began = os.times(), time.perf_counter()
        command = [sys.executable, str(REPO / "unsaid"), "consent", "verify", str(folder)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        took, after = time.perf_counter() - began, os.times()
        if process.returncode or f"{size:,} decision" not in said:
            raise Trouble("the log wasn't verified", said.strip()[-300:])
        return Figures(
            size,
            sum(path.stat().st_size for path in folder.iterdir()) / 1e6,
            took,
            after.children_user + after.children_system - before.children_user - before.children_system,
            usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6,
        )
    finally:
        shutil.rmtree(folder)


def _write(folder: Path, size: int) -> None:
    signer = Signer(f"bench.example/consent/{uuid.uuid4()}", os.urandom(32))
    tree = Frontier()
    with (folder / consent_log.ENTRIES).open("wb") as entries, (folder / consent_log.HASHES).open("wb") as hashes:
        for entry in _decisions(size):
            leaf = leaf_hash(entry)
            tree.append(leaf)
            entries.write(entry + b"\n")
            hashes.write(base64.b64encode(leaf) + b"\n")
    checkpoint = Checkpoint(signer.verifier.name, size, tree.root())
    (folder / consent_log.CHECKPOINT).write_text(checkpoint.sign(signer))
    (folder / consent_log.KEY).write_text(str(signer.verifier))


def _decisions(size: int) -> Iterator[bytes]:
    """Grants and withdrawals, eight in a conversation, as the database writes them."""
    conversation = participant = ""
    for n in range(size):
        if n % 8 == 0:
            conversation, participant = str(uuid.uuid4()), str(uuid.uuid4())
        decision: dict[str, object] = {
            "at": rfc3339(BEGIN + timedelta(seconds=n)),
            "conversation": conversation,
            "decision": "withdraw" if n & 4 else "grant",
            "device": f"{n:064x}",
            "epoch": 1 + (n & 4) // 4,
            "id": str(uuid.uuid4()),
            "participant": participant,
            "purpose": PURPOSES[n % 4],
            "v": 1,
            "via": "device",
        }
        if not n & 4:
            decision |= {"locale": "en", "sha256": f"{n:064x}", "version": 1}
        yield json.dumps(decision, sort_keys=True, separators=(",", ":")).encode()
