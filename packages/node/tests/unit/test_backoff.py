"""Pauses between attempts."""

import asyncio

from hanse_node.backoff import Backoff


def test_pauses_grow_to_their_limit_and_start_again() -> None:
    backoff = Backoff(1.0, 8.0)
    pauses = [backoff.next_pause() for _ in range(2000)]
    assert all(0.5 * bound <= pause <= bound for pause, bound in zip(pauses, [1, 2, 4, 8, 8, 8], strict=False))
    assert max(pauses) <= 8
    backoff.reset()
    assert backoff.next_pause() <= 1


async def test_a_nudge_ends_a_pause() -> None:
    backoff = Backoff(100, 100)
    asyncio.get_running_loop().call_later(0.02, backoff.nudge)
    async with asyncio.timeout(40):
        await backoff.pause()


async def test_a_cancellation_that_comes_with_the_nudge_is_not_swallowed() -> None:
    backoff = Backoff(100, 100)
    pausing = asyncio.create_task(backoff.pause())
    await asyncio.sleep(0)
    backoff.nudge()
    pausing.cancel()
    await asyncio.wait({pausing})
    assert pausing.cancelled()
