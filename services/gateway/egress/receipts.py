"""Consent receipts with the fields of ISO/IEC TS 27560, which prove themselves (C2SP tlog-proof): JSON and HTML.

What is proved is the entry of the tenant's consent log, which the proof carries: ids, times, and the hash of the exact
text, which is in the receipt as well. Everything else repeats it in words. Checked offline by ``check.html``.
"""

import json
from html import escape
from typing import Any

from shared.contracts.frames.values import FormValue, RecordValue
from shared.contracts.ids import Purpose

Receipt = dict[str, Any]

SCHEMA = "ISO/IEC TS 27560:2023"
PURPOSES: dict[Purpose, tuple[str, str]] = {
    "informed_consent": ("Therapy by text", "messages, times of sessions"),
    "live_text": ("Showing what is written as it is written", "typing, as it happens"),
    "composition_replay": ("Keeping how a message was written", "typing, as it happened"),
    "note_disclosure": ("Sending signed notes to the clinic or service", "progress notes"),
}


def make(record: RecordValue, form: FormValue | None, proof: str, key: str, base: str) -> Receipt:
    """The receipt of a decision. ``proof``: a tlog-proof with the log's entry; ``key``: a signed-note verifier key."""
    purpose, data = PURPOSES[record.purpose]
    grant = record.decision == "grant"
    decided_by = record.participant if record.by is None else record.by.person
    event = {
        "event_type": "explicit_consent_given" if grant else "consent_withdrawn",
        "event_state": "granted" if grant else "withdrawn",
        "event_time": record.at,
        "decided_at": record.decided_at,
        "valid_until": record.expires_at,
        "entity_id": decided_by,
        "entity_capacity": None if record.by is None else record.by.capacity,
        "via": record.via,
        "epoch": record.epoch,
    }
    return {
        "receipt": {"schema_version": SCHEMA, "record_id": record.id, "pii_principal_id": record.participant},
        "pii_processing": {
            "privacy_notice": None if record.sha256 is None else f"{base}/v1/consent-forms/{record.sha256}",
            "privacy_notice_version": record.version,
            "privacy_notice_sha256": record.sha256,
            "privacy_notice_text": None if form is None else form.text,
            "privacy_notice_title": None if form is None else form.title,
            "language": record.locale,
            "purposes": [
                {
                    "purpose": record.purpose,
                    "purpose_description": purpose,
                    "lawful_basis": "consent",
                    "pii_information": data,
                    "withdrawal_method": "One tap under Consents, at once; nobody asks why.",
                }
            ],
        },
        "party_identification": [{"party_role": "PII controller", "party_id": key.partition("+")[0]}],
        "events": [{name: value for name, value in event.items() if value is not None}],
        "conversation": record.conversation,
        "proof": proof,
        "key": key,
    }


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Consent receipt</title>
<style>body{{font:1rem/1.5 system-ui,sans-serif;max-width:42rem;margin:2rem auto;padding:0 1rem}}
dt{{font-weight:600}}dd{{margin:0 0 .5rem}}pre{{white-space:pre-wrap;overflow-wrap:anywhere}}</style></head>
<body><h1>Consent receipt</h1><dl>{rows}</dl>{notice}
<h2>Proof</h2><p>Open this file in check.html, on any computer, without a network: it shows what the
consent log says of this decision. Only that is proved, not what stands here.</p><pre>{proof}</pre>
<script type="application/json" id="receipt">{raw}</script></body></html>
"""


def html(receipt: Receipt) -> str:
    """The receipt to read, with the JSON inside, so that the same file can be checked."""
    processing, event = receipt["pii_processing"], receipt["events"][0]
    purpose = processing["purposes"][0]
    told = [
        ("Decision", event["event_state"]),
        ("What it is about", purpose["purpose_description"]),
        ("When", event["event_time"]),
        ("Valid until", event.get("valid_until")),
        ("Decided by", event["entity_id"]),
        ("In the capacity of", event.get("entity_capacity")),
        ("Person", receipt["receipt"]["pii_principal_id"]),
        ("Conversation", receipt["conversation"]),
        ("Form version", processing["privacy_notice_version"]),
        ("SHA-256 of the text", processing["privacy_notice_sha256"]),
        ("How to withdraw", purpose["withdrawal_method"]),
        ("Number", receipt["receipt"]["record_id"]),
        ("Fields", receipt["receipt"]["schema_version"]),
    ]
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>" for name, value in told if value is not None)
    text = processing["privacy_notice_text"]
    title = escape(processing["privacy_notice_title"] or "")
    notice = "" if text is None else f"<h2>{title}</h2><pre>{escape(text)}</pre>"
    raw = json.dumps(receipt, ensure_ascii=False).replace("<", "\\u003c")
    return _PAGE.format(rows=rows, notice=notice, proof=escape(receipt["proof"]), raw=raw)
