"""The key that signs the consent logs is followed by another, under the same names; what was signed stays signed."""

from pathlib import Path

import pytest

from deploy.local.home import Home
from shared.transparency.checkpoints import open_checkpoint
from shared.transparency.notes import Keys, NoteBroken
from shared.transparency.proofs import Proof
from tests.support.consent_log import Tenant, unsaid


async def keys_of(tenant: Tenant) -> Keys:
    return Keys.parse((await tenant.text("/v1/consent-log/key"))[2])


async def turn(tenant: Tenant, verb: str) -> None:
    status, said = await unsaid(verb, UNSAID_HOME=str(tenant.platform.home))
    assert status == 0, f"{said}\n{Home(tenant.platform.home).log('consent').read_text()[-2_000:]}"


async def verified(*arguments: str | Path) -> str | None:
    """What `./unsaid consent verify` finds wrong; None: nothing."""
    status, said = await unsaid("verify", *arguments)
    return None if status == 0 else said


@pytest.mark.timeout(240)
async def test_a_key_follows_another(own_tenant: Tenant, tmp_path: Path) -> None:
    await own_tenant.decisions(3)
    june, july, august = (tmp_path / month for month in ("june", "july", "august"))
    assert (await own_tenant.consent("export", june))[0] == 0
    (old,) = (await keys_of(own_tenant)).all

    await turn(own_tenant, "rotate-key")
    both = await keys_of(own_tenant)
    new = both.all[0]
    assert (both.all[1], new.name, new == old) == (old, old.name, False)
    kept, now = (june / "checkpoint.txt").read_text(), await own_tenant.checkpoint()
    assert now != kept
    assert open_checkpoint(kept, old) == open_checkpoint(now, old) == open_checkpoint(now, new)
    await own_tenant.decisions(2)
    assert (await own_tenant.consent("export", july))[0] == 0
    for trusted in (old, new):  # who has heard of the new key, and who hasn't
        assert await verified(july, "--key", str(trusted)) is None
    assert await verified(july, "--key", str(old), "--since", june) is None
    assert await verified(july, "--since", june) is None  # with the keys in it, which are both
    assert "not signed by a key that is known" in (await verified(july, "--key", str(new), "--since", june) or "")

    await turn(own_tenant, "retire-keys")
    assert await keys_of(own_tenant) == both
    made = (await own_tenant.decisions(2))[0]
    assert (await own_tenant.consent("export", august))[0] == 0
    assert await verified(august, "--key", str(new)) is None
    assert await verified(august, "--key", str(new), "--key", str(old), "--since", june, "--since", july) is None
    assert "not signed by a key that is known" in (await verified(august, "--key", str(old)) or "")
    assert await verified(june, "--key", str(old)) is None
    proof = Proof.parse((await own_tenant.text(f"/v1/consents/{made['id']}/proof"))[2])
    assert proof.verify(proof.extra, new).size == 7
    with pytest.raises(NoteBroken):
        proof.verify(proof.extra, old)
    file = tmp_path / "one.tlog-proof"
    file.write_text(str(proof))
    assert (await unsaid("proof", file, "--key", str(old), "--key", str(new)))[0] == 0


async def test_the_last_checkpoint_may_be_a_retired_key_s(own_tenant: Tenant) -> None:
    """Nothing is decided between: what the service signed last it signed with a key that it has no more."""
    await own_tenant.decisions(2)
    await turn(own_tenant, "rotate-key")
    await turn(own_tenant, "retire-keys")
    new = (await keys_of(own_tenant)).all[0]
    assert open_checkpoint(await own_tenant.checkpoint(), new).size == 2
    await own_tenant.decisions(1)
    assert open_checkpoint(await own_tenant.checkpoint(), new).size == 3
    assert (await own_tenant.consent("verify"))[0] == 0


@pytest.mark.parametrize("verb", ["rotate-key", "retire-keys"])
async def test_without_a_platform_there_is_no_key_to_turn(tmp_path: Path, verb: str) -> None:
    status, said = await unsaid(verb, UNSAID_HOME=str(tmp_path))
    assert status == 1
    assert "there is no platform here" in said
