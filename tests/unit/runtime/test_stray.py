"""A task that a library cancelled doesn't end in silence; one that was told to end, ends."""

import asyncio

import pytest

from shared.runtime.stray import Stray, lasting, no_stray


async def given_up() -> None:
    """As the AMQP client does it when a connection dies."""
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


async def test_a_librarys_cancellation_is_an_error() -> None:
    with pytest.raises(Stray), no_stray():
        await given_up()


async def test_ones_own_is_not() -> None:
    async def wait() -> None:
        with no_stray():
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_timeout_stays_one() -> None:
    async def wait() -> None:
        async with asyncio.timeout(0.01):
            with no_stray():
                await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await wait()


async def test_a_group_ends_with_its_lasting_task() -> None:
    async def group() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(lasting(given_up()))
            tasks.create_task(lasting(asyncio.sleep(60)))

    with pytest.raises(ExceptionGroup) as raised:
        await group()
    assert [type(error) for error in raised.value.exceptions] == [RuntimeError]
