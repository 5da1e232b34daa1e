"""The tenants' consent logs: checkpoints, entries and proofs. What is appended to them is the database's part."""

from base64 import b64encode

import structlog

from services.consent import errors, metrics
from services.consent.domain import log as domain
from services.consent.domain.log import Logs
from services.consent.store import Store
from shared.contracts.consent_commands import ReadCheckpoint, ReadConsistency, ReadEntries, ReadLogKey, ReadProof
from shared.contracts.consent_events import (
    CheckpointRead,
    ConsistencyRead,
    EntriesRead,
    EntryValue,
    LogKeyRead,
    ProofRead,
)
from shared.contracts.errors import Refused
from shared.runtime.handler import Tell, answer
from shared.transparency import merkle
from shared.transparency.checkpoints import Checkpoint
from shared.transparency.merkle import ProofBroken, Span
from shared.transparency.proofs import Proof

log = structlog.get_logger()

PAGE = 256
"""Entries in an answer, as many as in a tile of c2sp.org/tlog-tiles; 170 KB or so."""

ReadLog = ReadLogKey | ReadCheckpoint | ReadEntries | ReadConsistency | ReadProof


async def read(store: Store, logs: Logs, command: ReadLog) -> list[Tell]:
    """Answer what is asked of the log. Raises `Refused`."""
    try:
        return [await _read(store, logs, command)]
    except Refused as refused:
        _noticed(command.tenant, refused)
        raise


async def sign(store: Store, logs: Logs, tenant: str) -> None:
    """Sign the log as a decision left it. One that was tampered with is noticed, and stops nobody from deciding."""
    try:
        await checkpoint(store, logs, tenant)
    except Refused as refused:
        _noticed(tenant, refused)


def _noticed(tenant: str, refused: Refused) -> None:
    if refused.details.get("reason") == "log_broken":
        metrics.LOG_BROKEN.inc()
        log.error("consent_log_broken", tenant=tenant)


async def _read(store: Store, logs: Logs, command: ReadLog) -> Tell:
    match command:
        case ReadLogKey():
            keys = logs.keys(logs.signer(command.tenant, await store.generation()))
            return answer(command, LogKeyRead(causationid=command.id, key=str(keys)))
        case ReadCheckpoint():
            note, _ = await checkpoint(store, logs, command.tenant)
            return answer(command, CheckpointRead(causationid=command.id, checkpoint=note))
        case ReadEntries():
            return await _entries(store, command)
        case ReadConsistency():
            return await _consistency(store, command)
        case ReadProof():
            made = await proof(store, logs, command.tenant, command.decision, command.conversation)
            return answer(command, ProofRead(causationid=command.id, proof=str(made)))


async def checkpoint(store: Store, logs: Logs, tenant: str) -> tuple[str, Checkpoint]:
    """The log as it is now, signed: a new checkpoint if it has grown, after proof that it begins with the last one.

    Each is signed by all keys of today; one that was kept may have been signed by others, whose public keys are known.

    Raises:
        Refused: ``conflict``, reason ``log_broken``.
    """
    generation = await store.generation()
    signer = logs.signer(tenant, generation)
    note = await store.last_checkpoint(tenant, generation)
    last = domain.last_signed(logs.keys(signer), note)
    size = await store.log_size(tenant)
    try:
        found = domain.follow(last, size, await _hashes(store, tenant, domain.spans(last, size)))
    except Refused:
        raise errors.log_broken(note) from None
    signed = found.sign(signer)
    if note is None or found.size > last.size:
        await store.insert_checkpoint(tenant, generation, size, signed)
    return signed, found


async def proof(store: Store, logs: Logs, tenant: str, decision: str, conversation: str | None) -> Proof:
    """The proof that a decision is in the log, with its entry.

    Raises:
        Refused: ``not_found``; ``bad_request``: of which conversation; ``conflict``, reason ``log_broken``.
    """
    leaves = await store.log_leaves(tenant, decision, conversation)
    if not leaves:
        raise errors.not_found()
    if len(leaves) > 1:
        raise errors.bad_request("conversation")
    index, entry = leaves[0]
    note, found = await checkpoint(store, logs, tenant)
    if index >= found.size:
        raise errors.log_broken()
    hashes = await _hashes(store, tenant, merkle.inclusion(index, found.size))
    try:
        merkle.verify_inclusion(merkle.leaf_hash(entry), index, found.size, hashes, found.root)
    except ProofBroken:
        raise errors.log_broken() from None
    return Proof(index, tuple(hashes), note, entry)


async def _entries(store: Store, command: ReadEntries) -> Tell:
    if command.end < command.start:
        raise errors.bad_request("end")
    rows = await store.log_entries(command.tenant, command.start, min(command.end, command.start + PAGE - 1))
    while rows and rows[-1] == (None, None):  # beyond the last one
        rows.pop()
    entries = [EntryValue(leaf_input=_base64(entry), leaf_hash=_base64(known)) for entry, known in rows]
    return answer(command, EntriesRead(causationid=command.id, entries=entries))


async def _consistency(store: Store, command: ReadConsistency) -> Tell:
    if command.second > await store.log_size(command.tenant):
        raise errors.bad_request("second")
    if command.first > command.second:
        raise errors.bad_request("first")
    spans = merkle.consistency(command.first, command.second) if command.first else []
    hashes = [b64encode(each).decode() for each in await _hashes(store, command.tenant, spans)]
    return answer(command, ConsistencyRead(causationid=command.id, consistency=hashes))


async def _hashes(store: Store, tenant: str, spans: list[Span]) -> list[bytes]:
    """Raises `Refused`: the log has lost a hash."""
    try:
        return merkle.hashes(spans, await store.log_nodes(tenant, merkle.nodes(spans)))
    except KeyError:
        raise errors.log_broken() from None


def _base64(raw: bytes | None) -> str | None:
    return None if raw is None else b64encode(raw).decode()
