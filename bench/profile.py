"""Where the CPU goes, for each process, while the load goes on: functions by self time."""

import asyncio
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

import psutil

from bench.load import offer
from bench.run import Served
from deploy.local.progress import say

PYTHON = ("gateway", "session")
NATIVE = ("rabbitmq", "postgres")
TOP = 25


async def show(served: Served, rate: float, seconds: float) -> None:
    """Profile all processes during one stretch of load, and print each one's top functions."""
    with tempfile.TemporaryDirectory() as folder:
        under = asyncio.create_task(offer(served.sides, rate, seconds + 3))
        await asyncio.sleep(1)  # past the first moments of load
        outputs = {part: Path(folder) / part for part in (*PYTHON, *NATIVE) if part in served.roots}
        await asyncio.gather(*(_record(part, served.roots[part], path, seconds) for part, path in outputs.items()))
        await under
        for part, path in outputs.items():
            print(f"\n{part}, {rate:.0f}/s, share of its own CPU by function:")
            for line in await _lines(part, path):
                print(f"  {line}")


def top(raw: str) -> list[str]:
    """py-spy's raw stacks (`a;b;c count`) to self time by function."""
    own: Counter[str] = Counter()
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        own[stack.rpartition(";")[2]] += int(count)
    total = sum(own.values()) or 1
    return [f"{count / total:6.1%}  {function}" for function, count in own.most_common(TOP)]


async def _record(part: str, pid: int, path: Path, seconds: float) -> None:
    if part in PYTHON:
        spy = str(Path(sys.executable).parent / "py-spy")
        options = ["--format", "raw", "--function", "--rate", "200", "--duration", str(int(seconds))]
        await _run([spy, "record", *options, "--nonblocking", "--pid", str(pid), "--output", str(path)])
    elif perf := shutil.which("perf"):
        pids = [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
        command = [perf, "record", "-q", "-F", "499", "-p", ",".join(map(str, pids)), "-o", str(path)]
        await _run([*command, "--", "sleep", str(int(seconds))])
    else:
        say(f"{part}: no profile, since `perf` isn't here")


async def _lines(part: str, path: Path) -> list[str]:
    if not path.exists():  # noqa: ASYNC240 - the load is over
        return ["no profile"]
    if part in PYTHON:
        return top(path.read_text())  # noqa: ASYNC240
    options = ["--stdio", "--no-children", "--sort", "dso,symbol", "--percent-limit", "0.8", "-q"]
    said = await _run(["perf", "report", *options, "-i", str(path)])
    return [line.strip() for line in said.splitlines() if line.strip() and not line.startswith("#")][:TOP]


async def _run(command: list[str]) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    if process.returncode:
        say(f"{Path(command[0]).name}: {err.decode(errors='replace').strip()[-200:]}")
    return out.decode(errors="replace")
