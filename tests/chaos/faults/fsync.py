"""Not a fault but a look: strace shows that the WAL is on disk before the ``ok`` leaves (`fdatasync`)."""

import asyncio
import re
import shutil
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.load import TOKEN_S
from tests.chaos.row import Scene

LOOKS = 20
ATTACHED = "attached"
CALLS = "fdatasync,fsync,write,writev,sendto,sendmsg"
LINE = re.compile(r"^(?:\[pid +)?(\d+)\]? +(\d+\.\d+) (\w+)\((.*)$")


def missing() -> str | None:
    return None if shutil.which("strace") else "the package strace isn't there"


@dataclass(frozen=True)
class Call:
    pid: int
    at: float
    name: str
    rest: str

    @property
    def done(self) -> float:
        """When it returned."""
        took = re.search(r"<(\d+\.\d+)>$", self.rest)
        return self.at + (float(took.group(1)) if took else 0.0)


async def fsync_first(scene: Scene) -> None:
    """Send messages one by one, and find each one's way to the disk between its sending and its ``ok``."""
    load, stage = scene.load, scene.stage
    talk = load.talks[0]
    await load.hush()
    guest = await talk.arrive(await talk.token(talk.client, ttl_s=TOKEN_S), gateway=stage["gateway-1"].url)
    pids = [*stage.family("postgres"), stage["gateway-1"].pid]
    sent: dict[str, float] = {}
    with tempfile.NamedTemporaryFile() as file:
        command = ["strace", "-f", "-ttt", "-T", "-y", "-s", "120", "-e", f"trace={CALLS}", "-o", file.name]
        command += [word for pid in pids for word in ("-p", str(pid))]
        tracing = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
        assert tracing.stderr is not None
        for _ in pids:
            line = (await tracing.stderr.readline()).decode()
            assert ATTACHED in line, f"strace: {line.strip()}"
        for _ in range(LOOKS):
            message = str(uuid.uuid4())
            load.note(talk, message, text := load.text())
            sent[message] = time.time()
            await guest.say("message.send", ref=message, message=message, text=text)
            load.noted(talk, message, await guest.until("ok", ref=message))
        tracing.terminate()
        await tracing.wait()
        calls = _read(Path(file.name))
    await talk.leave()
    load.speak()
    lines = [_look(calls, ref, at) for ref, at in sent.items()]
    scene.notes.append(f"{len(lines)} of {LOOKS} messages: fdatasync of the WAL had returned before the ok was written")
    scene.notes.append(lines[-1])


def _read(path: Path) -> list[Call]:
    return [call for line in path.read_text(errors="replace").splitlines() if (call := _parse(line))]


def _parse(line: str) -> Call | None:
    found = LINE.match(line)
    return Call(int(found[1]), float(found[2]), found[3], found[4]) if found else None


def _look(calls: list[Call], ref: str, sent: float) -> str:
    """The way of one message, in milliseconds since it was sent."""
    oks = [c for c in calls if c.name != "fdatasync" and ref in c.rest and "ok" in c.rest and c.at > sent]
    assert oks, f"no write of the ok for {ref} was seen"
    ok = oks[0]
    synced = [c for c in calls if c.name == "fdatasync" and "pg_wal" in c.rest and sent < c.at and c.done < ok.at]
    assert synced, f"no fdatasync of the WAL between sending {ref} and its ok"
    told = next((c for c in calls if c.pid == synced[-1].pid and c.name == "sendto" and c.at >= synced[-1].done), None)
    between = "" if told is None else f", Postgres says COMMIT at {(told.at - sent) * 1000:.1f} ms"
    began, done, answered = ((at - sent) * 1000 for at in (synced[-1].at, synced[-1].done, ok.at))
    return (
        f"the last one: sent at 0, fdatasync of pg_wal from {began:.1f} to {done:.1f} ms{between}, "
        f"the gateway writes the ok at {answered:.1f} ms"
    )
