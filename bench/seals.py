"""What encryption costs a message, function by function: CPU only, in this process, against leaving it out."""

import asyncio
import os
import timeit
from base64 import b64decode, b64encode
from collections.abc import Callable
from hashlib import sha256
from time import process_time

from pydantic import SecretStr

from shared.contracts.contents import MessageContent
from shared.contracts.ids import new_id
from shared.contracts.keys import conversation_key, message
from shared.runtime.sealing import DataKey, Sealer

CALLS, RUNS = 5_000, 30
TEXT = "A message of some hundred characters, as people write them, neither long nor short, on the whole."


def _us(work: Callable[[], object]) -> float:
    """CPU µs of one call: the least of some runs, since whatever else the machine does only adds."""
    return min(timeit.repeat(work, timer=process_time, number=CALLS, repeat=RUNS)) / CALLS * 1e6


def measure_seals() -> None:
    """Print what one message costs at its gateway: sealed once, opened once for its readers, and one fingerprint."""
    before = Sealer(SecretStr(b64encode(bytes(32)).decode()))
    tenant, conversation, sent = new_id(), new_id(), new_id()
    name = conversation_key(tenant, conversation)
    key = DataKey(name, {1: os.urandom(32)}, 1, before)
    held = {name: key}
    plain = MessageContent(text=TEXT).model_dump_json().encode()
    sealed, bare = key.seal(message(sent), plain), b64encode(plain).decode()
    loop = asyncio.new_event_loop()

    def look_up() -> DataKey:
        loop.time()
        return held[conversation_key(tenant, conversation)]

    on = {
        "sealing": _us(lambda: key.seal(message(sent), plain)),
        "opening": _us(lambda: key.open(message(sent), sealed)),
        "fingerprint": _us(lambda: key.fingerprint(tenant, sent, TEXT, None, None)),
        "two look-ups": 2 * _us(look_up),
    }
    off = {
        "sealing": _us(lambda: b64encode(plain).decode()),
        "opening": _us(lambda: b64decode(bare)),
        "fingerprint": _us(lambda: sha256(f"{tenant}{sent}{TEXT}".encode()).hexdigest()),
        "two look-ups": 0.0,
    }
    loop.close()
    for what, cost in on.items():
        print(f"{what:<14} {cost:5.1f} µs, without encryption {off[what]:5.1f} µs")
    print(f"{'a message':<14} {sum(on.values()):5.1f} µs, without encryption {sum(off.values()):5.1f} µs")
