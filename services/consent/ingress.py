"""The forms' files to forms: ``forms/<purpose>/<version>.<locale>.md``."""

from pathlib import Path

from services.consent.domain.forms import BadForms, Form, collect, parse
from shared.contracts.ids import PURPOSES

FOLDER = Path(__file__).parent / "forms"


def read_forms(folder: Path = FOLDER) -> list[Form]:
    """Read all forms, once at start. Raises `BadForms`."""
    found = []
    for purpose in PURPOSES:
        for path in sorted((folder / purpose).glob("*.md")):
            version, _, locale = path.stem.partition(".")
            if not version.isdecimal() or not locale:
                raise BadForms(f"{purpose}/{path.name}: not named <version>.<locale>.md")
            found.append(parse(purpose, int(version), locale.lower(), path.read_text(encoding="utf-8")))
    return collect(found)
