"""Time that only moves when it is told to."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from mulligan.testing.clock import EPOCH, SeededChance, VirtualClock, settle

SECOND = timedelta(seconds=1)


async def test_each_sleeper_wakes_at_its_own_moment_in_order() -> None:
    clock = VirtualClock()
    woken: list[tuple[str, timedelta]] = []

    async def sleeper(name: str, *spans: int) -> None:
        for span in spans:
            await clock.sleep(span * SECOND)
            woken.append((name, clock.now() - EPOCH))

    tasks = [asyncio.create_task(sleeper("b", 2, 2)), asyncio.create_task(sleeper("a", 1, 3, 10))]
    await clock.advance(5 * SECOND)
    assert woken == [("a", 1 * SECOND), ("b", 2 * SECOND), ("a", 4 * SECOND), ("b", 4 * SECOND)]
    assert clock.now() - EPOCH == 5 * SECOND
    await clock.advance(9 * SECOND)
    assert woken[-1] == ("a", 14 * SECOND)
    await asyncio.gather(*tasks)


async def test_what_a_sleeper_causes_happens_before_the_next_one_wakes() -> None:
    clock = VirtualClock()
    seen: list[str] = []
    event = asyncio.Event()

    async def chain() -> None:
        await event.wait()
        for _ in range(50):
            await asyncio.sleep(0)
        seen.append("end of the chain")

    async def first() -> None:
        await clock.sleep(SECOND)
        event.set()

    async def second() -> None:
        await clock.sleep(2 * SECOND)
        seen.append("second")

    tasks = [asyncio.create_task(one()) for one in (second, first, chain)]
    await clock.advance(3 * SECOND)
    assert seen == ["end of the chain", "second"]
    await asyncio.gather(*tasks)


async def test_a_cancelled_sleeper_is_forgotten() -> None:
    clock = VirtualClock()
    task = asyncio.create_task(clock.sleep(SECOND))
    await settle()
    task.cancel()
    await clock.advance(2 * SECOND)
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_no_time_at_all_is_no_wait() -> None:
    clock = VirtualClock()
    await clock.sleep(timedelta())
    await clock.sleep(-SECOND)
    assert clock.now() == EPOCH


async def test_a_task_that_never_rests_does_not_stop_time() -> None:
    clock = VirtualClock()
    turns = 0

    async def restless() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(restless())
    await clock.advance(SECOND)
    assert clock.now() - EPOCH == SECOND
    assert turns > 1_000
    task.cancel()


def test_the_same_seed_gives_the_same_ids_and_they_sort() -> None:
    one, two, other = SeededChance(1), SeededChance(1), SeededChance(2)
    ids = [one.new_id() for _ in range(20)]
    assert ids == [two.new_id() for _ in range(20)]
    assert ids == sorted(ids)
    assert ids != [other.new_id() for _ in range(20)]
    assert one.new_token() != one.new_token()
