"""`./unsaid consent`: what an auditor and an operator do with the tenants' consent logs (docs/audit.md)."""

import json
import os
from base64 import b64decode
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from deploy.local import consent_log, ready, services
from deploy.local.consent_log import Partner
from deploy.local.home import Home, new_key
from deploy.local.progress import say, step
from deploy.local.supervision import Supervisor
from deploy.local.trouble import Trouble
from shared.transparency.audit import Broken, audit
from shared.transparency.checkpoints import Checkpoint
from shared.transparency.merkle import ProofBroken
from shared.transparency.notes import KEY_BYTES, Keys, NoteBroken, Signer
from shared.transparency.proofs import Proof

app = typer.Typer(help="The tamper-evident log of consent decisions.", no_args_is_help=True)

Gateway = Annotated[str | None, typer.Option(help="Of a platform elsewhere. Its secret: UNSAID_CLIENT_SECRET.")]
ClientId = Annotated[str | None, typer.Option(help="The partner's client id there.")]
MEND = "keep it as it is, and tell whoever runs the platform"


def _partner(gateway: str | None, client_id: str | None) -> Partner:
    """The tenant of the platform on this machine, or the one that is named."""
    if gateway is not None and client_id is not None:
        secret = os.environ.get("UNSAID_CLIENT_SECRET")
        if not secret:
            raise Trouble("UNSAID_CLIENT_SECRET isn't set", "set it to the secret of that client id")
        return Partner(gateway, client_id, secret)
    if gateway is not None or client_id is not None:
        raise Trouble("--gateway and --client-id go together", "name both, or none for the platform on this machine")
    state = Home.from_environment().state
    if state is None:
        raise Trouble("there is no platform here", "start one with `./unsaid up`, or name one with --gateway")
    return Partner(services.gateway_url(state), state.client_id, state.client_secret)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", file_okay=False, help="A new or an empty folder.")],
    gateway: Gateway = None,
    client_id: ClientId = None,
) -> None:
    """Write a tenant's log, its checkpoint and its key to a folder, which can be verified anywhere."""
    with step("exporting"):
        count = consent_log.export(_partner(gateway, client_id), folder)
    say(f"{folder} holds {_decisions(count)}.")


@app.command()
def verify(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[EXPORT]", exists=True, file_okay=False, help="None: the live platform.")
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(help="A key that you trust; may be repeated. None: those that came with the log."),
    ] = None,
    since: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True, help="A checkpoint that you kept, or an export with one: the log must still begin with it."
        ),
    ] = None,
    gateway: Gateway = None,
    client_id: ClientId = None,
) -> None:
    """Prove that a log is what was signed, or name the first place where it isn't; then the exit status is 1."""
    if folder is None:
        partner = _partner(gateway, client_id)
        read, told, note = partner.items, partner.key(), partner.checkpoint()
    else:
        consent_log.need(folder, with_key=not key)
        read = partial(consent_log.read_export, folder)
        told, note = "" if key else _text(folder / consent_log.KEY), _text(folder / consent_log.CHECKPOINT)
    former = [_text(path / consent_log.CHECKPOINT if path.is_dir() else path) for path in since or []]
    try:
        trusted = Keys.parse("\n".join(key or [told]))
        _same_log(trusted, former)
        with step("verifying"):
            found = audit(read, trusted, note, former)
    except NoteBroken as broken:
        raise Trouble(f"the checkpoint or the key is broken: {broken}", "without them nothing can be proved") from None
    except Broken as broken:
        raise Trouble(f"the log is broken: {broken.what}{_named(broken.entry)}", MEND) from None
    print(_verified(found, trusted))


@app.command()
def proof(
    file: Annotated[Path, typer.Argument(metavar="PROOF", exists=True, dir_okay=False, help="A `.tlog-proof` file.")],
    key: Annotated[list[str], typer.Option(help="The log's key; may be repeated.")],
) -> None:
    """Check the proof of one decision, and print the decision. Needs no platform."""
    try:
        read = Proof.parse(_text(file))
        read.verify(read.extra, Keys.parse("\n".join(key)))
    except (NoteBroken, ProofBroken) as broken:
        raise Trouble(f"the proof is broken: {broken}", "nothing in it is proved") from None
    print(read.extra.decode())


@app.command()
def restored() -> None:
    """Say that the consent database came from a backup: live text and compositions are withdrawn from everybody.

    It is seen by itself where the tables are others than they were (`pg_restore`, a new server, recovery to a point in
    time). A copy of the server's own files put back while it was stopped can't be seen.
    """
    state = Home.from_environment().state
    if state is None or not Supervisor(Home.from_environment()).alive():
        raise Trouble("Unsaid isn't running", "start it with `./unsaid up`")
    done = services.run_verb("consent", "restored", {}, state)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or ["no reason was given"]
        raise Trouble(f"nothing was withdrawn: {reason[0][-300:]}", "`./unsaid status` says what runs")
    withdrawn = json.loads(done.stdout.splitlines()[-1])["withdrawn"]
    say(f"A new generation has begun; withdrawn: {withdrawn}.")


@app.command(name="rotate-key")
def rotate_key() -> None:
    """A new key signs the consent logs; those of before sign as well, until `retire-keys`."""

    def turned(keys: str) -> str:
        return f"{new_key()},{keys}"

    _turn(turned)
    say("A new key signs, beside the former. Tell auditors: `GET /v1/consent-log/key` has all of them, newest first.")


@app.command(name="retire-keys")
def retire_keys() -> None:
    """Former keys sign the consent logs no more; what they signed can be verified as before."""
    _turn(retired)
    say("Only the newest key signs.")


def retired(keys: str) -> str:
    """The setting in which only the first key signs."""
    newest, *former = keys.split(",")
    return ",".join([newest, *(_public(key) for key in former)])


def _turn(turned: Callable[[str], str]) -> None:
    """Change the keys of the platform on this machine. What decides and signs is away for a moment."""
    home = Home.from_environment()
    supervisor = Supervisor(home)
    if home.state is None:
        raise Trouble("there is no platform here", "start one with `./unsaid up`")
    with home.locked():
        state = home.state
        home.keep(state.model_copy(update={"consent_log_key": turned(state.consent_log_key)}))
        if supervisor.alive() and supervisor.part("consent").running:
            with step("starting the consent service anew"):
                supervisor.stop_parts(["consent"])
                supervisor.start_part("consent")
                ready.wait_service("consent", home.state, supervisor)


def _public(key: str) -> str:
    """As a verifier key ends, of which a private key isn't told."""
    raw = b64decode(key)
    return key if len(raw) > KEY_BYTES else Signer("any", raw).verifier.encoded


def _same_log(key: Keys, former: list[str]) -> None:
    """Raises `Trouble`: a former checkpoint is another log's."""
    for note in former:
        origin = note.partition("\n")[0]
        if origin != key.name:
            mend = "where the database was restored from a backup, another one was begun: compare the two exports"
            raise Trouble(f"{origin[:200]} is another log than {key.name}", mend)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise Trouble(f"{path} is no text", "is it the right file?") from None


def _decisions(count: int) -> str:
    return f"{count:,} decision{'' if count == 1 else 's'}"


def _verified(found: Checkpoint, keys: Keys) -> str:
    ids = " or ".join(key.id.hex() for key in keys.all)
    return f"{found.origin}: {_decisions(found.size)}, each as it was signed by key {ids}."


def _named(entry: bytes | None) -> str:
    """Which decision stands at the place, if it can be read."""
    try:
        decision = json.loads(entry or b"")
        return f" (decision {decision['id']} of conversation {decision['conversation']})"
    except (ValueError, KeyError, TypeError):
        return ""
