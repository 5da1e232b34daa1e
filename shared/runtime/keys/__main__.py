"""``python -m shared.runtime.keys migrate``: make or update the tables of the key store, and who may do what there.

For its owner, whose address is in ``UNSAID_KEYS_URL``; no service may do this.
"""

import os
import sys

from pydantic import SecretStr

from shared.runtime import migrations
from shared.runtime.keys.store import FOLDER


def main() -> None:
    url = os.environ.get("UNSAID_KEYS_URL")
    if sys.argv[1:] != ["migrate"] or not url:
        sys.exit("keys: `migrate` is the one argument that there is, and UNSAID_KEYS_URL must be set")
    migrations.apply(SecretStr(url), FOLDER / "migrations")


if __name__ == "__main__":
    main()
