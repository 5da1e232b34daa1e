"""A therapist's absence, with the tenant's words in the client's language, as they are then."""

from collections.abc import Mapping

from services.gateway.handlers.records import Asked, Feature
from shared.contracts.features import absence as c

WORDS = {
    "en": "Your therapist is away just now. You can write; it will be read when they are back.",
    "fr": "Votre thérapeute est absent pour le moment. Vous pouvez écrire ; ce sera lu à son retour.",
}
"""Where the tenant says nothing."""


def words(own: Mapping[str, str], locale: str | None) -> str:
    """The tenant's in this language, else in English, else the first; else the platform's."""
    language = (locale or "en").lower().partition("-")[0]
    for said in (own, WORDS):
        for wanted in (language, "en"):
            if wanted in said:
                return said[wanted]
        if said:
            return next(iter(said.values()))
    return WORDS["en"]


async def _set(asked: Asked, frame: c.AwaySet) -> c.SetAway:
    tenant = await asked.hub.tenants.find(asked.room.tenant)
    client = next(who for who, role in asked.room.roles.items() if role == "client")
    text = words({} if tenant is None else tenant.away, asked.room.locale(client))
    return c.SetAway(**asked.base, until=frame.until, content=asked.seal(c.AwayContent(text=text)))


def _clear(asked: Asked, _: c.AwayClear) -> c.ClearAway:
    return c.ClearAway(**asked.base)


FEATURE = Feature(
    builds={c.AwaySet: _set, c.AwayClear: _clear}, only={c.AwaySet: "therapist", c.AwayClear: "therapist"}
)
