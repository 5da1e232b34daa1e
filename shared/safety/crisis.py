"""Crisis resources: what is wrong with a file of them, and which of them are for whom."""

from collections.abc import Iterator

from shared.contracts.exercises import Text
from shared.contracts.features.safety import ContactValue, RegionValue, ResourcesValue
from shared.contracts.safety_data import Contact, RegionHelp, Resources
from shared.exercises.checks import Fault, Loc


def faults(resources: Resources) -> list[Fault]:
    """What a schema can't say, in the order of the document."""
    found = [*_countries(resources)]
    for code, region in resources.regions.items():
        for index, contact in enumerate(region.contacts):
            found += _contact_faults(("regions", code, "contacts", index), contact)
    return found


def _countries(resources: Resources) -> Iterator[Fault]:
    if resources.default not in resources.regions:
        yield Fault(("default",), f"there is no region '{resources.default}'")
    for language, code in resources.languages.items():
        if code not in resources.regions:
            yield Fault(("languages", language), f"there is no region '{code}'")
    served: set[str] = set()
    for code, region in resources.regions.items():
        for index, country in enumerate(region.also):
            if country in resources.regions or country in served:
                yield Fault(("regions", code, "also", index), f"'{country}' is served twice")
            served.add(country)


def _contact_faults(at: Loc, contact: Contact) -> Iterator[Fault]:
    if contact.call is None and contact.text is None and contact.link is None:
        yield Fault(at, "there must be a way to reach them: call, text or link")
    for member, said in (("hours", contact.hours), ("note", contact.note)):
        if said is not None and set(said) != set(contact.name):
            yield Fault((*at, member), "it must be in the languages of the name")


def in_language(words: Text, locale: str | None) -> str:
    """In the person's language; else in English; else in the first that there is."""
    language = (locale or "").split("-", 1)[0].lower()
    return words.get(language) or words.get("en") or next(iter(words.values()))


def _country(resources: Resources, locale: str | None) -> str | None:
    """The country of a BCP 47 tag, if it names one: ``fr-CA``, ``zh-Hant-TW``; else its language's."""
    language, *parts = (locale or "").split("-")
    named = next((part.upper() for part in parts if len(part) == 2 and part.isalpha()), None)
    return named or resources.languages.get(language.lower())


def _serving(resources: Resources, country: str | None) -> str:
    if country is not None:
        if country in resources.regions:
            return country
        for code, region in resources.regions.items():
            if country in region.also:
                return code
    return resources.default


def chosen(resources: Resources, locale: str | None, country: str | None = None) -> ResourcesValue:
    """What somebody is shown: of the country that they named, else of their locale's, else the tenant's default."""
    code = _serving(resources, country or _country(resources, locale))
    region: RegionHelp = resources.regions[code]
    return ResourcesValue(
        version=resources.version,
        region=code,
        name=in_language(region.name, locale),
        emergency=region.emergency,
        contacts=[_contact(one, locale) for one in region.contacts],
        regions=[RegionValue(region=c, name=in_language(r.name, locale)) for c, r in resources.regions.items()],
    )


def _contact(contact: Contact, locale: str | None) -> ContactValue:
    return ContactValue(
        name=in_language(contact.name, locale),
        call=contact.call,
        text=contact.text,
        link=contact.link,
        hours=None if contact.hours is None else in_language(contact.hours, locale),
        note=None if contact.note is None else in_language(contact.note, locale),
    )
