"""A session's facts through the real gateway: each feature gives its part, and nothing of what was said."""

import json

from tests.support.exercising import new, through
from tests.support.participants import Conversation, Participant

Pair = tuple[Participant, Participant]
SECRET = "the bridge at night"


async def test_facts_of_what_was_done_in_a_session(talk: Conversation, pair: Pair) -> None:
    client, therapist = pair
    for one in pair:
        await one.consent("informed_consent")
    symbol, check, agreement = new(), new(), new()
    await therapist.ok("symbol.define", symbol=symbol, emoji="🐢", meaning=SECRET)
    await client.post("🐢 before the session")
    before = await client.ok("agreement.propose", what=SECRET, record=new())
    session = (await therapist.ok("session.start"))["session"]
    message = new()
    await client.ok("message.send", message=message, text=f"🐢 {SECRET}")
    await therapist.ok("reaction.add", message=message, emoji="🐢")
    await therapist.ok("attune.ask", message=message, check=check)
    run = (await client.ok("exercise.start", exercise="urge_surfing", record=new()))["record"]
    await through(client, run)
    await client.ok("exercise.finish", run=run)
    await client.ok("agreement.propose", what=SECRET, record=agreement)
    await therapist.ok("agreement.accept", agreement=agreement, wording=1)
    running = await client.ok("session.summary", session=session)
    assert running["ended_at"] is None
    ended = await therapist.ok("session.end")
    await client.post("🐢 after the session")
    found = await client.ok("session.summary", session=session)
    assert {**found, "ref": ""} == {**await therapist.ok("session.summary", session=session), "ref": ""}
    assert (found["session"], found["ended_at"]) == (session, ended["at"])
    assert found["duration_s"] >= 0
    assert found["pacing"]["participants"][talk.client]["messages"] == 1
    assert found["symbols"] == [{"symbol": symbol, "uses": {talk.client: 1, talk.therapist: 1}}]
    [exercise] = found["exercises"]
    assert (exercise["run"], exercise["exercise"], exercise["state"]) == (run, "urge_surfing", "finished")
    assert (exercise["before"], exercise["after"]) == (7, 7)
    assert found["agreements"][-1] == {"agreement": agreement, "state": "agreed"}
    assert before["record"] not in [one["agreement"] for one in found["agreements"]]
    assert found["attunement_open"] == [{"check": check, "message": message, "state": "asked", "round": 1}]
    assert SECRET not in json.dumps(found)


async def test_what_is_heard_since_isnt_open(pair: Pair) -> None:
    client, therapist = pair
    for one in pair:
        await one.consent("informed_consent")
    session = (await therapist.ok("session.start"))["session"]
    message, check = new(), new()
    await client.ok("message.send", message=message, text="I am fine.")
    await therapist.ok("attune.ask", message=message, check=check)
    await therapist.ok("session.end")
    await therapist.ok("attune.reflect", check=check, text="You say that you are.")
    await client.ok("attune.answer", check=check, heard=True)
    assert (await therapist.ok("session.summary", session=session))["attunement_open"] == []


async def test_a_session_that_isnt_there(pair: Pair) -> None:
    frame = await pair[0].ask("session.summary", session=new())
    assert (frame["code"], frame["details"]) == ("not_found", {"field": "session"})
