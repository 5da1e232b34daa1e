"""The tenants' consent logs: their names, their keys, and what may be signed."""

from pydantic import SecretStr

from services.consent import errors
from shared.transparency import merkle
from shared.transparency.checkpoints import Checkpoint, open_checkpoint
from shared.transparency.merkle import ProofBroken, Span
from shared.transparency.notes import Keys, NoteBroken, Signer, Verifier, read_keys


class Logs:
    """Signs for each tenant under a name of its own.

    Args:
        name: of the deployment; a URL without its scheme (c2sp.org/signed-note).
        keys: as `shared.transparency.notes.read_keys` has them.
    """

    def __init__(self, name: str, keys: SecretStr) -> None:
        self._name = name
        self._seeds, self._retired = read_keys(keys.get_secret_value())

    def signer(self, tenant: str, generation: int) -> Signer:
        """A log that was restored from a backup is another one: under one name nothing is ever taken back."""
        suffix = f"/{generation}" if generation else ""
        return Signer(f"{self._name}/consent/{tenant}{suffix}", *self._seeds)

    def keys(self, signer: Signer) -> Keys:
        """All keys that sign a log or have signed it, newest first."""
        return Keys((*signer.verifiers, *(Verifier(signer.verifier.name, public) for public in self._retired)))


def last_signed(keys: Keys, note: str | None) -> Checkpoint:
    """The newest checkpoint that was signed; before the first, that of the empty log. Raises `Refused`."""
    if note is None:
        return Checkpoint(keys.name, 0, merkle.EMPTY_ROOT)
    try:
        return open_checkpoint(note, keys)
    except NoteBroken:
        raise errors.log_broken() from None


def spans(last: Checkpoint, size: int) -> list[Span]:
    """The whole tree, and what shows that it begins with the last one. Raises `Refused`: it is smaller."""
    if size < last.size:
        raise errors.log_broken()
    return [(0, size), *(merkle.consistency(last.size, size) if last.size else [])]


def follow(last: Checkpoint, size: int, hashes: list[bytes]) -> Checkpoint:
    """The checkpoint that may follow the last one, from the hashes of `spans`. Raises `Refused`: none may."""
    root, *proof = hashes
    try:
        merkle.verify_consistency(last.size, size, proof, last.root, root)
    except ProofBroken:
        raise errors.log_broken() from None
    return Checkpoint(last.origin, size, root)
