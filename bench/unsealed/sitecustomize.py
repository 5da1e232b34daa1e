"""Read by every Python that has this folder in its `PYTHONPATH`: nothing is sealed in it, only written in base64.

For `./unsaid bench messages --unsealed`, which sets that for a platform of its own. No code that serves knows of it.
"""

from base64 import b64decode, b64encode
from hashlib import sha256

from shared.contracts.keys import Record
from shared.runtime.sealing import DataKey


def seal(_key: DataKey, _record: Record, plain: bytes) -> str:
    return b64encode(plain).decode()


def open_(_key: DataKey, _record: Record, sealed: str) -> bytes:
    return b64decode(sealed)


def fingerprint(_key: DataKey, *parts: str | None) -> str:
    return sha256("".join(part or "" for part in parts).encode()).hexdigest()


for name, bare in (("seal", seal), ("open", open_), ("fingerprint", fingerprint)):
    setattr(DataKey, name, bare)
