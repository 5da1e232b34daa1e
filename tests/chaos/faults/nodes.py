"""A cluster of three brokers loses the node that leads a command queue."""

import signal

from tests.chaos.row import Fault, Scene

QUEUE = "session.0"


def lose_leader(sign: signal.Signals, seconds: float) -> Fault:
    """SIGKILL and a new start, or SIGSTOP and SIGCONT."""

    async def fault(scene: Scene) -> None:
        assert scene.stage.cluster is not None
        node = await scene.stage.cluster.leader(QUEUE)
        acknowledged = scene.load.acknowledged
        node.send(sign)
        await scene.for_a_while(seconds)
        scene.notes.append(f"acknowledged by the other two meanwhile: {scene.load.acknowledged - acknowledged}")
        if sign is signal.SIGSTOP:
            node.send(signal.SIGCONT)
        else:
            assert node.process is not None
            node.process.wait()
            node.start()
            await node.up()

    return fault


kill_leader = lose_leader(signal.SIGKILL, 15)
stop_leader = lose_leader(signal.SIGSTOP, 15)
