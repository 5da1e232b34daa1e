"""What the consent service tells the gateways: replies and events (see `shared.contracts.events`)."""

from typing import Literal

from shared.contracts.envelope import Event, Reply
from shared.contracts.frames.values import (
    Consents,
    DeciderValue,
    FormValue,
    FormVersionValue,
    LeftOut,
    RecordValue,
    Value,
)
from shared.contracts.ids import ConsentState, Epoch, Id, Purpose, Sha256


class ConsentsAttached(Reply):
    type: Literal["consent.attached"] = "consent.attached"
    conversation: Id
    consents: Consents


class Probed(Reply):
    """Behind it, nothing older can come from this queue. ``ended``: held conversations to attach to anew.

    ``generation``: how often the database was restored from a backup. What was granted of `REVOKED` before the last
    time is in force no more.
    """

    type: Literal["consent.probed"] = "consent.probed"
    ended: list[Id]
    generation: int = 0


class FormsRead(Reply):
    type: Literal["consent.forms_read"] = "consent.forms_read"
    forms: list[FormValue]


class FormPublished(Reply):
    """The version is there, in these languages; ``created``: since now."""

    type: Literal["consent.form_published"] = "consent.form_published"
    created: bool
    forms: list[FormVersionValue]


class FormsListed(Reply):
    type: Literal["consent.forms_listed"] = "consent.forms_listed"
    forms: list[FormVersionValue]


class FormRead(Reply):
    type: Literal["consent.form_read"] = "consent.form_read"
    form: FormValue


class FormsCompared(Reply):
    """``diff``: unified, of titles and texts."""

    type: Literal["consent.forms_compared"] = "consent.forms_compared"
    diff: str


class RecordRead(Reply):
    """Oldest first. ``more``: there are older ones."""

    type: Literal["consent.record_read"] = "consent.record_read"
    decisions: list[RecordValue]
    more: bool = False


class DecisionValue(Value):
    """A decision on record, as partners see it."""

    id: Id
    participant: Id
    purpose: Purpose
    decision: Literal["grant", "withdraw"]
    version: int | None
    sha256: Sha256 | None
    epoch: Epoch
    at: str
    by: DeciderValue | None = LeftOut
    decided_at: str | None = LeftOut
    expires_at: str | None = LeftOut


class Decided(Reply):
    """Answers a decision. ``consent.changed`` went before it, on the same queue."""

    type: Literal["consent.decided"] = "consent.decided"
    decision: DecisionValue


class DecisionsRead(Reply):
    type: Literal["consent.decisions_read"] = "consent.decisions_read"
    decisions: list[DecisionValue]
    in_force: Consents


class ConsentChanged(Event):
    type: Literal["consent.changed"] = "consent.changed"
    participant: Id
    purpose: Purpose
    state: ConsentState
    epoch: Epoch


class LogKeyRead(Reply):
    """The text form of the keys of signed notes, one a line, newest first."""

    type: Literal["consent.log_key_read"] = "consent.log_key_read"
    key: str


class CheckpointRead(Reply):
    """A signed note."""

    type: Literal["consent.checkpoint_read"] = "consent.checkpoint_read"
    checkpoint: str


class EntryValue(Value):
    """An entry of the consent log: its exact bytes, and its hash as the log keeps it, in base64.

    ``leaf_input`` None: the entry is missing. ``leaf_hash`` None: the log knows of no entry here. Neither may be.
    """

    leaf_input: str | None
    leaf_hash: str | None


class EntriesRead(Reply):
    type: Literal["consent.entries_read"] = "consent.entries_read"
    entries: list[EntryValue]


class ConsistencyRead(Reply):
    """Hashes in base64, in the order of RFC 9162."""

    type: Literal["consent.consistency_read"] = "consent.consistency_read"
    consistency: list[str]


class ProofRead(Reply):
    """A proof by c2sp.org/tlog-proof, with the entry as its extra data."""

    type: Literal["consent.proof_read"] = "consent.proof_read"
    proof: str
