"""Forms: shown, published, read and compared."""

from services.consent import errors
from services.consent.domain import forms as domain
from services.consent.domain.forms import EVERYBODY, Form
from services.consent.store import Store
from shared.contracts.consent_commands import CompareForms, ListForms, PublishForm, ReadForm
from shared.contracts.consent_events import FormPublished, FormRead, FormsCompared, FormsListed
from shared.runtime import tenants
from shared.runtime.handler import Tell, answer
from shared.runtime.postgres import Connection


async def publish_files(tx: Connection, store: Store, files: list[Form]) -> None:
    """Forms of files that are new since the last start are published. Raises `BadForms`.

    Grants that a file ends at a time that is past by now end now: what was in force until now was in force.
    """
    await store.lock_forms()
    await tenants.become(tx, [EVERYBODY])
    now = await store.now()
    new = [form.published(now) for form in domain.unpublished(files, await store.own_forms(EVERYBODY))]
    for form in new:
        await store.insert_form(form, now)
    ends = {(f.purpose, f.version, f.older_lapse_at) for f in new if f.older_lapse_at is not None}
    for purpose, version, when in sorted(ends):
        for tenant in await store.tenants():
            await tenants.become(tx, [tenant])
            if any((f.purpose, f.version) == (purpose, version) for f, _ in await store.forms(tenant)):
                await store.lapse(tenant, purpose, version, when)


async def publish(store: Store, command: PublishForm) -> list[Tell]:
    """A tenant's next version; the same again finds it. Raises `Refused` (``conflict``)."""
    await store.lock_forms()
    there = await store.form_version(command.tenant, command.purpose, command.version)
    created = not there
    if there:
        domain.is_repeat([form for form, _ in there], command)
    else:
        now = await store.now()
        made = domain.new_version(await store.newest_forms(command.tenant), command, now)
        for form in made:
            await store.insert_form(form, now)
        there = [(form, now) for form in made]
        if (when := made[0].older_lapse_at) is not None:
            await store.lapse(command.tenant, command.purpose, command.version, when)
    forms = [form.version_value(at) for form, at in there]
    return [answer(command, FormPublished(causationid=command.id, created=created, forms=forms))]


async def listed(store: Store, command: ListForms) -> list[Tell]:
    forms = [form.version_value(at) for form, at in await store.forms(command.tenant)]
    return [answer(command, FormsListed(causationid=command.id, forms=forms))]


async def read(store: Store, command: ReadForm) -> list[Tell]:
    """Raises `Refused` (``not_found``)."""
    form = await store.form_by_hash(command.tenant, command.sha256)
    if form is None:
        raise errors.not_found()
    return [answer(command, FormRead(causationid=command.id, form=form.value()))]


async def compare(store: Store, command: CompareForms) -> list[Tell]:
    """Raises `Refused` (``not_found``): a version isn't there in this language."""
    found = []
    for version in (command.first, command.second):
        forms = await store.form_version(command.tenant, command.purpose, version)
        form = next((f for f, _ in forms if f.locale == command.locale.lower()), None)
        if form is None:
            raise errors.not_found()
        found.append(form)
    return [answer(command, FormsCompared(causationid=command.id, diff=domain.compare(*found)))]
