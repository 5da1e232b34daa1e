"""Three private RabbitMQ nodes on this machine, joined to one cluster."""

import asyncio
import os
import re
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from deploy.local import rabbitmq
from deploy.local.home import Home, State
from tests.chaos.proxy import free_port

NODES = 3
JOIN_S = 90


def control_command(home: Home, state: State, *words: str) -> tuple[list[str], dict[str, str]]:
    """`rabbitmqctl` for the node of a home."""
    command, environment = rabbitmq.command(home, state)
    return [str(Path(command[0]).with_name("rabbitmqctl")), *words], environment


async def control(home: Home, state: State, *words: str) -> str:
    command, environment = control_command(home, state, *words)
    done = await asyncio.to_thread(
        subprocess.run, command, env=environment, capture_output=True, text=True, check=False, timeout=JOIN_S
    )
    assert done.returncode == 0, f"rabbitmqctl {words[0]}: {(done.stdout + done.stderr)[-800:]}"
    return done.stdout


@dataclass
class Node:
    home: Home
    state: State
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def name(self) -> str:
        return f"{self.state.node}@localhost"

    def start(self) -> None:
        command, environment = rabbitmq.command(self.home, self.state)
        log = (self.home.folder / "node.log").open("ab")
        with log:
            self.process = subprocess.Popen(
                command, env=environment, cwd=self.home.rabbitmq, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def send(self, sign: signal.Signals) -> None:
        """A signal to the broker itself, which may be a child of the script that was started."""
        assert self.process is not None
        os.kill(self.process.pid, sign)

    async def up(self) -> None:
        """Until it says that it has started; asked too early, `rabbitmqctl` gives up at once."""
        async with asyncio.timeout(JOIN_S):
            while True:
                with suppress(AssertionError):
                    await control(self.home, self.state, "await_startup", "--timeout", str(JOIN_S))
                    return
                await asyncio.sleep(0.5)


class Cluster:
    """The nodes, and which of them leads a queue."""

    def __init__(self, folder: Path, state: State) -> None:
        self.nodes: list[Node] = []
        for number in range(NODES):
            home = Home(folder / f"n{number}")
            own = state.ports.model_copy(update={"rabbitmq": free_port(), "rabbitmq_distribution": free_port()})
            self.nodes.append(Node(home, state.model_copy(update={"node": f"{state.node}-{number}", "ports": own})))

    @property
    def ports(self) -> list[int]:
        return [node.state.ports.rabbitmq for node in self.nodes]

    async def begin(self) -> None:
        for node in self.nodes:
            node.home.folder.mkdir()
            rabbitmq.prepare(node.home, node.state)
            node.start()
            await node.up()
        first, *others = self.nodes
        for node in others:
            for words in (("stop_app",), ("reset",), ("join_cluster", first.name), ("start_app",)):
                await control(node.home, node.state, *words)

    async def leader(self, queue: str) -> Node:
        """The node that leads a quorum queue."""
        asked = self.nodes[0]
        told = await control(asked.home, asked.state, "-q", "list_queues", "name", "leader")
        found = re.search(rf"^{re.escape(queue)}\s+(\S+)$", told, re.MULTILINE)
        assert found, f"nobody leads {queue}: {told}"
        return next(node for node in self.nodes if node.name == found.group(1))

    def end(self) -> None:
        for node in self.nodes:
            if node.process is not None and node.process.poll() is None:
                node.send(signal.SIGKILL)
                node.process.wait()
        rabbitmq.end_port_mapper(self.nodes[0].state)
