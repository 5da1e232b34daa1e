"""What therapy adds to a conversation: one module for each feature, and one line for each in these lists.

A feature's module has its frames, commands, facts and contents. ARCHITECTURE.md, "Adding a feature".
"""

from shared.contracts.features import (
    absence,
    agreements,
    attunement,
    calendars,
    exercises,
    interventions,
    later,
    leaving,
    pacing,
    quiet,
    safety,
    safety_plan,
    scheduling,
    suitability,
    summaries,
    symbols,
    taking_back,
)
from shared.contracts.frames.base import Answer
from shared.contracts.frames.values import Value
from shared.contracts.records import RecordAccepted

ClientFrame = (
    taking_back.ClientFrame
    | interventions.ClientFrame
    | pacing.ClientFrame
    | exercises.ClientFrame
    | agreements.ClientFrame
    | symbols.ClientFrame
    | attunement.ClientFrame
    | safety.ClientFrame
    | safety_plan.ClientFrame
    | suitability.ClientFrame
    | scheduling.ClientFrame
    | summaries.ClientFrame
    | later.ClientFrame
    | leaving.ClientFrame
    | absence.ClientFrame
    | quiet.ClientFrame
    | calendars.ClientFrame
)  # fmt: skip
"""What clients send."""

ServerFrame = (
    taking_back.ServerFrame
    | interventions.ServerFrame
    | pacing.ServerFrame
    | exercises.ServerFrame
    | agreements.ServerFrame
    | symbols.ServerFrame
    | attunement.ServerFrame
    | safety.ServerFrame
    | safety_plan.ServerFrame
    | suitability.ServerFrame
    | scheduling.ServerFrame
    | later.ServerFrame
    | leaving.ServerFrame
    | absence.ServerFrame
)  # fmt: skip
"""What participants are told, except ``ok``."""

OKS: dict[str, type[Answer]] = {
    **pacing.OKS,
    **exercises.OKS,
    **agreements.OKS,
    **symbols.OKS,
    **attunement.OKS,
    **safety.OKS,
    **safety_plan.OKS,
    **suitability.OKS,
    **scheduling.OKS,
    **summaries.OKS,
    **later.OKS,
    **quiet.OKS,
    **calendars.OKS,
}
"""By client frame: an ``ok`` that has more than `shared.contracts.frames.server.Ok`."""

CONTENTS: tuple[type[Value], ...] = (
    *exercises.CONTENTS,
    *agreements.CONTENTS,
    *symbols.CONTENTS,
    *attunement.CONTENTS,
    *safety.CONTENTS,
    *safety_plan.CONTENTS,
    *suitability.CONTENTS,
    *leaving.CONTENTS,
    *absence.CONTENTS,
)
"""What is inside the sealed contents of records."""

Command = (
    taking_back.Command
    | interventions.Command
    | pacing.Command
    | exercises.Command
    | agreements.Command
    | symbols.Command
    | attunement.Command
    | safety.Command
    | safety_plan.Command
    | suitability.Command
    | scheduling.Command
    | summaries.Command
    | later.Command
    | leaving.Command
    | absence.Command
    | quiet.Command
)  # fmt: skip
"""`RecordCommand`s, `Question`s and `TenantQuestion`s."""

Fact = (
    taking_back.Fact
    | interventions.Fact
    | exercises.Fact
    | agreements.Fact
    | symbols.Fact
    | attunement.Fact
    | safety.Fact
    | safety_plan.Fact
    | suitability.Fact
    | scheduling.Fact
    | leaving.Fact
    | absence.Fact
)  # fmt: skip
"""`RecordFact`s."""

Told = (
    RecordAccepted
    | pacing.Told
    | exercises.Told
    | agreements.Told
    | symbols.Told
    | attunement.Told
    | safety.Told
    | safety_plan.Told
    | suitability.Told
    | scheduling.Told
    | summaries.Told
    | later.Told
    | leaving.Told
    | quiet.Told
)  # fmt: skip
"""Answers to features' `Question`s, and `Notice`s."""
