"""Metrics of the gateway."""

from prometheus_client import Counter, Gauge, Histogram

from shared.runtime.metrics import Tally

CONNECTIONS = Gauge("unsaid_gateway_connections", "Open websocket connections")
ROOMS = Gauge("unsaid_gateway_conversations", "Conversations that this gateway holds")
FRAMES_IN = Tally("unsaid_gateway_frames_in", "Frames from clients", "type")
FRAMES_OUT = Tally("unsaid_gateway_frames_out", "Frames to clients")
REFUSED = Counter("unsaid_gateway_refused_total", "Frames refused", ["code"])
CLOSED = Counter("unsaid_gateway_closed_total", "Connections closed by the gateway", ["code"])
HTTP = Counter("unsaid_gateway_http_total", "Requests of partners", ["route", "status"])
SEND_SECONDS = Histogram(
    "unsaid_gateway_send_seconds",
    "From a message.send to its answer",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
HOLES = Counter("unsaid_gateway_holes_total", "Gaps in what the broker delivered, read from the session service")
UNAUDITED = Counter("unsaid_gateway_unaudited_total", "Refusals for which the audit trail had no room")
UNREADABLE = Counter("unsaid_gateway_unreadable_total", "Facts that can't be read any more: altered, or their key gone")
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
ALERTS = Counter("unsaid_gateway_safety_alerts_total", "Raises that people were told of before they were recorded")
