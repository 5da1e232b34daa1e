"""The table of faults: one row each."""

from tests.chaos.faults import broker, clocks, crowd, disk, fsync, killing, network, nodes, stopping
from tests.chaos.row import Row
from tests.chaos.stages import missing_small_disk

AGAIN = "started again after 1 s"
SUPERVISOR = "the supervisor starts it again"
THRICE = "started again after 1 s; three times"

ROWS = (
    Row("kill-gateway", "a gateway", "SIGKILL under load", AGAIN, killing.kill("gateway-1")),
    Row("kill-session", "the session service", "SIGKILL under load", AGAIN, killing.kill("session-1")),
    Row("kill-consent", "the consent service", "SIGKILL under load", AGAIN, killing.kill("consent-1")),
    Row("kill-notes", "the notes service", "SIGKILL under load", AGAIN, killing.kill("notes-1")),
    Row("kill-rabbitmq", "RabbitMQ", "SIGKILL under load", SUPERVISOR, killing.kill_server("rabbitmq")),
    Row("kill-postgres", "Postgres", "SIGKILL under load", SUPERVISOR, killing.kill_server("postgres")),
    Row(
        "gateway-before-confirm",
        "a gateway between command and reply",
        "SIGKILL when the command is at the broker and its confirm held on the way back",
        THRICE,
        killing.gateway_before_confirm,
    ),
    Row(
        "gateway-after-confirm",
        "a gateway between confirm and `ok`",
        "SIGKILL when confirms have come and the deliveries with the answers are held",
        THRICE,
        killing.gateway_after_confirm,
    ),
    Row(
        "service-before-commit",
        "the session service in mid-batch",
        "SIGKILL when a transaction has written and its COMMIT is held",
        THRICE,
        killing.service_before_commit,
    ),
    Row(
        "service-in-statement",
        "the session service in mid-batch, by the quick way",
        "SIGKILL when its one statement is executed and what commits it is held",
        THRICE,
        killing.service_in_statement,
    ),
    Row(
        "service-in-commit",
        "the session service as it commits",
        "SIGKILL when Postgres has committed and the word of it is held",
        THRICE,
        killing.service_in_commit,
    ),
    Row(
        "service-before-publish",
        "the session service between commit and telling",
        "SIGKILL when it has committed and what it publishes is held",
        THRICE,
        killing.service_before_publish,
    ),
    Row(
        "service-before-ack",
        "the session service between telling and ack",
        "SIGKILL when all is told and its acknowledgement is held",
        THRICE,
        killing.service_before_ack,
    ),
    Row(
        "stop-owner",
        "the active consumer of two",
        "SIGSTOP, fail-over to a second instance",
        "SIGCONT after the fail-over",
        stopping.stop_owner,
    ),
    Row("stop-gateway", "a gateway", "SIGSTOP for 9 s", "SIGCONT", stopping.stop_process("gateway-1", 9)),
    Row(
        "stop-rabbitmq",
        "RabbitMQ",
        "SIGSTOP for 16 s, longer than two heartbeats",
        "SIGCONT",
        stopping.stop_server("rabbitmq", 16),
    ),
    Row(
        "stop-postgres",
        "Postgres",
        "SIGSTOP of all its processes for 12 s",
        "SIGCONT",
        stopping.stop_server("postgres", 12),
    ),
    Row(
        "lose-confirms",
        "publisher confirms of all processes",
        "dropped for 8 s while publishes pass",
        "they pass again",
        network.lose_confirms,
    ),
    Row(
        "cut-before-commit",
        "a connection to Postgres in mid-transaction",
        "reset where a statement is executed and what commits it comes, ten times",
        "a new connection passes",
        network.cut_before_commit,
    ),
    Row(
        "cut-in-commit",
        "a connection to Postgres in the commit",
        "reset where the word of the commit comes, ten times",
        "a new connection passes",
        network.cut_in_commit,
    ),
    Row("cut-broker", "all connections to RabbitMQ", "reset, five times", "new ones pass", network.cut_broker),
    Row(
        "half-open",
        "one client's connection",
        "swallows everything, both ways",
        "the client notices after 10 s and connects anew",
        network.half_open,
    ),
    Row(
        "disk-alarm",
        "RabbitMQ's disk",
        "`set_disk_free_limit` above any disk for 8 s",
        "the limit is put back",
        broker.disk_alarm,
    ),
    Row(
        "unroutable",
        "the way to the command queues",
        "unbound from their exchange for 4 s",
        "bound again",
        broker.unroutable,
    ),
    Row(
        "poison",
        "commands",
        "no JSON, no batch, no known type, no content, alone and between good ones",
        "none: they are put aside",
        broker.poison,
    ),
    Row(
        "slow-reader",
        "a client that stops reading while somebody shouts",
        "its socket isn't read for 8 s, 24 KB a message",
        "it reads again",
        crowd.slow_reader,
    ),
    *(
        Row(
            f"clock-{service}-{'plus' if hours > 0 else 'minus'}{'-monotonic' if monotonic else ''}",
            f"the clock of {name}",
            f"jumps by {hours:+d} h while it runs{', the monotonic clock with it' if monotonic else ''}",
            "started again with the right one",
            clocks.set_clock(f"{service}-1", hours * 3600, monotonic=monotonic),
            missing=clocks.missing,
        )
        for service, name in (("gateway", "a gateway"), ("session", "the session service"))
        for hours in (1, -1)
        for monotonic in (False, True)
    ),
    Row(
        "reconnect-all",
        "both gateways, with 5,000 clients connected",
        "SIGKILL of both",
        "started again at once; all clients come back",
        crowd.reconnect_all,
        conversations=50,
        pause_s=4.0,
    ),
    Row(
        "fsync",
        "nothing",
        "strace watches Postgres and a gateway",
        "-",
        fsync.fsync_first,
        conversations=1,
        missing=fsync.missing,
    ),
    Row(
        "disk-full",
        "Postgres' disk (a tmpfs of 700 MB)",
        "filled to the last block for 8 s",
        "the file that fills it is deleted",
        disk.full,
        stage="small disk",
        missing=missing_small_disk,
    ),
    Row(
        "kill-leader",
        "the leader of a command queue, of three RabbitMQ nodes",
        "SIGKILL",
        "started again after 15 s",
        nodes.kill_leader,
        stage="three brokers",
    ),
    Row(
        "stop-leader",
        "the leader of a command queue, of three RabbitMQ nodes",
        "SIGSTOP for 15 s",
        "SIGCONT",
        nodes.stop_leader,
        stage="three brokers",
    ),
    Row(
        "everything-in-turn",
        "every process",
        "SIGTERM in turn, each ready again before the next",
        "started again at once",
        killing.everything_in_turn,
    ),
)
