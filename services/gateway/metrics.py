"""Metrics of the gateway."""

from functools import cache

from prometheus_client import Counter, Gauge, Histogram

CONNECTIONS = Gauge("unsaid_gateway_connections", "Open websocket connections")
ROOMS = Gauge("unsaid_gateway_conversations", "Conversations that this gateway holds")
FRAMES_IN = Counter("unsaid_gateway_frames_in_total", "Frames from clients", ["type"])
FRAMES_OUT = Counter("unsaid_gateway_frames_out_total", "Frames to clients")
REFUSED = Counter("unsaid_gateway_refused_total", "Frames refused", ["code"])
CLOSED = Counter("unsaid_gateway_closed_total", "Connections closed by the gateway", ["code"])
HTTP = Counter("unsaid_gateway_http_total", "Requests of partners", ["route", "status"])
SEND_SECONDS = Histogram(
    "unsaid_gateway_send_seconds",
    "From a message.send to its answer",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
HOLES = Counter("unsaid_gateway_holes_total", "Gaps in what the broker delivered, read from the session service")
READS_PAST_BROKER = Counter(
    "unsaid_gateway_reads_past_broker_total", "Reads that the session service's queue didn't answer in time"
)
SUSPENDED = Gauge("unsaid_gateway_live_suspended", "1 while live text is suspended for lack of a lease")
WITHDRAWAL_SECONDS = Histogram(
    "unsaid_consent_withdrawal_to_silence_seconds",
    "From a withdrawal's arrival at this gateway to the last frame that could be sent",
    buckets=(0.0001, 0.001, 0.005, 0.02, 0.05, 0.15, 0.5, 1),
)
COMPOSED = Gauge("unsaid_gateway_compositions_kept", "Runs of drafts that are being kept")


@cache
def _frames_in(kind: str) -> Counter:
    return FRAMES_IN.labels(kind)


def frame_in(kind: str) -> None:
    """Count a frame; its type is one of the protocol's, so the cache is as small as that."""
    _frames_in(kind).inc()
