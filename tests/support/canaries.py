"""Words that nobody can guess, and the search for them in the bytes of whatever the platform leaves anywhere."""

import json
import secrets
import urllib.request
from base64 import b64encode
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

from deploy.local import deadletters
from tests.support.platform import Platform
from tests.support.typed import PLANTED

Leaves = Iterable[tuple[str, bytes]]
"""Where something was found, and its bytes."""


def shapes(word: str) -> dict[str, bytes]:
    """An ASCII word of letters and digits as it may lie anywhere.

    Quoting for a URL, JSON or SQL leaves such a word as it is, whatever stands around it.
    """
    raw = word.encode()
    found = {
        "utf-8": raw,
        "utf-16-le": word.encode("utf-16-le"),
        "utf-16-be": word.encode("utf-16-be"),
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
    }
    for shift in range(3):
        whole = b64encode(bytes(shift) + raw + bytes(3))
        found[f"base64+{shift}"] = whole[4:-8]  # without what the bytes around it decide
    return found


class Canaries:
    """Each canary begins with the same mark, so that one search finds them all, and tells which field it was for."""

    def __init__(self) -> None:
        self.mark = f"canary{secrets.token_hex(8)}"
        self.known = f"known{secrets.token_hex(8)}"
        """What is public; that it is found shows that the search can find."""
        self.fields: dict[str, str] = {}

    def of(self, field: str) -> str:
        """A new canary for a field."""
        assert field in PLANTED, f"{field} isn't in the list of tests/support/typed.py"
        word = f"{self.mark}n{len(self.fields):04}n"
        self.fields[word] = field
        return word

    def text(self, field: str) -> str:
        """The same, among what has to be quoted and encoded."""
        return f'“é” <"{self.of(field)}"> & 100 % 🐢'

    def found(self, leaves: Leaves) -> list[str]:
        """Where canaries are, as what, and of which field."""
        marks = shapes(self.mark)
        found = []
        for place, raw in leaves:
            for shape in (name for name, mark in marks.items() if mark in raw):
                fields = {field for word, field in self.fields.items() if shapes(word)[shape] in raw}
                found.append(f"{place}: {shape} of {sorted(fields)}")
        return found


def holds(leaves: Leaves, word: str) -> bool:
    """Whether a word is somewhere there."""
    wanted = shapes(word).values()
    return any(shape in raw for _, raw in leaves for shape in wanted)


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """All files below a folder."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            try:
                yield str(path), path.read_bytes()
            except FileNotFoundError:
                continue  # a server may tidy up meanwhile


def metrics(platform: Platform, *more: str) -> Iterator[tuple[str, bytes]]:
    """The metrics of each process; of some ``more`` by their addresses."""
    told = json.loads((platform.home / "local.json").read_text())["metrics"]
    for url in (*told.values(), *more):
        with urllib.request.urlopen(url, timeout=5) as answer:
            yield url, answer.read()


def processes(platform: Platform, *more: int) -> Iterator[tuple[str, bytes]]:
    """Environment and command line of each process of the platform, its supervisor, and their children."""
    pids = {int(path.read_text()) for path in (platform.home / "pids").iterdir()}
    pids |= {int((platform.home / "supervisor.pid").read_text()), *more}
    family = {child.pid for pid in pids for child in psutil.Process(pid).children(recursive=True)} | pids
    for pid in family:
        for what in ("environ", "cmdline"):
            try:
                yield f"{pid} {what}", Path(f"/proc/{pid}/{what}").read_bytes()
            except (FileNotFoundError, ProcessLookupError):
                continue  # Postgres' own come and go


async def dead_letters(platform: Platform) -> list[tuple[str, bytes]]:
    """Their headers and their bodies, as they are."""
    found = []
    for letter in await deadletters.read(platform.state):
        found.append((f"headers of {letter.id}", str(letter.message.headers).encode()))
        found.append((f"body of {letter.id}", letter.message.body))
    return found
