"""A tenant's consent log, as a partner gets it from the gateway, and as an export that can be checked elsewhere.

An export is a folder of four files: ``entries.jsonl`` with the exact bytes of each entry, ``hashes.txt`` with the hash
that the log keeps of it, line by line, and the signed ``checkpoint.txt``; ``key.txt`` is the key that the gateway told.
"""

import base64
import json
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator
from functools import partial
from http.client import HTTPException
from itertools import zip_longest
from pathlib import Path
from typing import BinaryIO
from urllib.error import HTTPError

from deploy.local.trouble import Trouble
from shared.transparency.audit import Item

KEY, CHECKPOINT, ENTRIES, HASHES = "key.txt", "checkpoint.txt", "entries.jsonl", "hashes.txt"
PAGE = 256
LINE_BYTES = 65_536
"""No entry is as long as this; what is, doesn't fit its hash."""
TIMEOUT_S = 30


class Partner:
    """A partner's access to a gateway."""

    def __init__(self, gateway: str, client_id: str, secret: str) -> None:
        self._gateway = gateway.rstrip("/")
        local = urllib.parse.urlsplit(gateway).hostname in {"127.0.0.1", "localhost", "::1"}
        proxies = [urllib.request.ProxyHandler({})] if local else []
        self._opener = urllib.request.build_opener(*proxies)
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        asked = urllib.request.Request(f"{self._gateway}/v1/oauth/token", urllib.parse.urlencode(form).encode())  # noqa: S310
        self._token: str = json.loads(self._open(asked))["access_token"]

    def get(self, path: str) -> bytes:
        """Raises `Trouble`."""
        headers = {"Authorization": f"Bearer {self._token}"}
        return self._open(urllib.request.Request(self._gateway + path, headers=headers))  # noqa: S310

    def _open(self, request: urllib.request.Request) -> bytes:
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as answer:
                body: bytes = answer.read()
                return body
        except HTTPError as error:
            raise _refused(error) from None
        except (OSError, HTTPException, ValueError) as error:
            raise Trouble(f"the gateway doesn't answer ({type(error).__name__})", "`./unsaid status`") from None

    def key(self) -> str:
        return self.get("/v1/consent-log/key").decode()

    def checkpoint(self) -> str:
        """The log as it is, signed; where the platform refuses to sign it any more, what it signed last."""
        try:
            return self.get("/v1/consent-log/checkpoint").decode()
        except BrokenLog as broken:
            if broken.last is None:
                raise
            return broken.last

    def items(self, start: int = 0, size: int | None = None) -> Iterator[Item]:
        """The log from one entry on, page by page, up to a size; None: all that there are."""
        while size is None or start < size:
            end = start + PAGE if size is None else min(start + PAGE, size)
            page = json.loads(self.get(f"/v1/consent-log/entries?start={start}&end={end - 1}"))["entries"]
            for each in page:
                yield Item(_bytes(each["leaf_input"]), _bytes(each["leaf_hash"]))
            start += len(page)
            if not page:
                return


class BrokenLog(Trouble):
    """The platform refuses to sign the log. ``last``: what it signed last."""

    def __init__(self, last: str | None) -> None:
        super().__init__(
            "the platform refuses to sign: what it stores isn't what it logged",
            "`./unsaid consent verify` with an export of before says where",
        )
        self.last = last


def _refused(error: HTTPError) -> Trouble:
    try:
        problem = json.loads(error.read())
    except ValueError:
        problem = {}
    if problem.get("reason") == "log_broken":
        return BrokenLog(problem.get("checkpoint"))
    code = problem.get("code") or problem.get("error") or "no reason was given"
    return Trouble(f"the gateway refused: {error.code} {code}", "check the client id and UNSAID_CLIENT_SECRET")


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)


def export(partner: Partner, folder: Path) -> int:
    """Write a tenant's log to a new folder; how many entries it has. Raises `Trouble`.

    Everything that is there goes in, also what isn't as it should be: it is for others to judge.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise Trouble(f"{folder} holds other things already", "name a new or an empty folder")
    (folder / KEY).write_text(partner.key())
    with (folder / ENTRIES).open("wb") as entries, (folder / HASHES).open("wb") as hashes:
        count = _write(partner.items(), entries, hashes)
        checkpoint = partner.checkpoint()
        count += _write(partner.items(count, _size(checkpoint)), entries, hashes)  # decided in the meantime
    (folder / CHECKPOINT).write_text(checkpoint)
    return count


def _write(items: Iterable[Item], entries: BinaryIO, hashes: BinaryIO) -> int:
    count = 0
    for item in items:
        entries.write((item.entry or b"") + b"\n")
        hashes.write(base64.b64encode(item.known or b"") + b"\n")
        count += 1
    return count


def _size(checkpoint: str) -> int:
    """What a checkpoint says, for knowing how much to ask for. Whether it is signed is looked at elsewhere."""
    try:
        return int(checkpoint.split("\n")[1])
    except (IndexError, ValueError):
        raise Trouble("the gateway's checkpoint is none", "is it an Unsaid gateway?") from None


def need(folder: Path, *, with_key: bool) -> None:
    """Raises `Trouble`: a file of an export is missing."""
    files = (ENTRIES, HASHES, CHECKPOINT, *((KEY,) if with_key else ()))
    if missing := [name for name in files if not (folder / name).is_file()]:
        raise Trouble(
            f"{folder} is no whole export: {', '.join(missing)} is missing", "`./unsaid consent export` makes one"
        )


def read_export(folder: Path) -> Iterator[Item]:
    """The log in an export. Raises `OSError`: a file is missing."""
    with (folder / ENTRIES).open("rb") as entries, (folder / HASHES).open("rb") as hashes:
        lines = (iter(partial(file.readline, LINE_BYTES), b"") for file in (entries, hashes))
        for entry, known in zip_longest(*lines, fillvalue=b""):
            yield Item(entry.removesuffix(b"\n") or None, _hash(known))


def _hash(line: bytes) -> bytes | None:
    try:
        return base64.b64decode(line.removesuffix(b"\n"), validate=True) or None
    except ValueError:
        return b""
