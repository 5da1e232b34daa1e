"""Two devices, at two gateways, decide in the same instant: everybody ends the same; expiry in a service that dies."""

import asyncio
import uuid

from tests.support import instances
from tests.support.participants import Conversation
from tests.support.platform import Platform

ROUNDS = 12


async def test_two_devices_deciding_at_once_end_the_same_everywhere(platform: Platform, talk: Conversation) -> None:
    with instances.gateway(platform, "gateway-at-once") as (address, _):
        await instances.ready(address)
        near = await talk.arrive(await talk.token(talk.client), device="near")
        far = await talk.arrive(await talk.token(talk.client), address, device="far")
        therapist = await talk.arrive(await talk.token(talk.therapist), address)
        form = next(f for f in (await near.ok("consent.forms"))["forms"] if f["purpose"] == "live_text")
        grant = {"purpose": "live_text", "version": form["version"], "sha256": form["sha256"]}
        epoch = 0
        for n in range(ROUNDS):
            one, other = (near, far) if n % 2 else (far, near)
            answers = await asyncio.gather(
                one.ask("consent.grant", if_epoch=epoch, decision=str(uuid.uuid4()), **grant),
                other.ask("consent.withdraw", purpose="live_text", decision=str(uuid.uuid4())),
            )
            assert answers[1]["type"] == "ok"  # a withdrawal is never refused
            assert answers[0]["type"] == "ok" or answers[0]["code"] == "stale_epoch"
            epoch = max(a.get("epoch") or a["details"]["epoch"] for a in answers)
            ends = {
                (last["state"], last["epoch"])
                for last in [await each.until("consent.changed", epoch=epoch) for each in (near, far, therapist)]
            }
            _, found = await talk.partner.ask("GET", f"/v1/conversations/{talk.id}/consents")
            assert ends == {tuple(found["in_force"][talk.client]["live_text"].values())}
            if ends == {("granted", epoch)}:  # the withdrawal came first; begin the next round withdrawn
                epoch = (await near.ok("consent.withdraw", purpose="live_text"))["epoch"]
                for each in (near, far, therapist):
                    await each.until("consent.changed", epoch=epoch)
