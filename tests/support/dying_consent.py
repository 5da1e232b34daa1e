"""The consent service as it is, but that it dies when it has recorded that a grant ended, before it tells anybody."""

import os
import signal
from collections.abc import Sequence

from services.consent.app import main
from shared.contracts.consent_commands import ConsentCommand, Decide
from shared.contracts.consent_events import ConsentChanged
from shared.runtime.handler import Tell
from shared.runtime.transactions import Transactions

committed = Transactions.run


async def run(self: Transactions[ConsentCommand], commands: Sequence[ConsentCommand], queues: set[str]) -> list[Tell]:
    tells = await committed(self, commands, queues)
    decided = any(isinstance(command, Decide) for command in commands)
    if not decided and any(isinstance(tell.envelope, ConsentChanged) for tell in tells):
        os.kill(os.getpid(), signal.SIGKILL)
    return tells


if __name__ == "__main__":
    Transactions.run = run  # type: ignore[method-assign, assignment]
    main()
