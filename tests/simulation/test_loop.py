"""The loop that the simulation stands on: virtual time, drawn order, processes that die and stop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from random import Random

import pytest

from mulligan.testing.simulation.loop import Process, SimulatedLoop, Stalled


@pytest.fixture
def loop() -> Iterator[SimulatedLoop]:
    loop = SimulatedLoop(Random(1))
    yield loop
    loop.close()


def order(loop: SimulatedLoop, count: int) -> list[int]:
    seen: list[int] = []

    async def scene() -> None:
        for number in range(count):
            loop.call_soon(seen.append, number)
        await asyncio.sleep(1)

    loop.run_until_complete(scene())
    loop.close()
    return seen


def test_a_year_passes_in_no_time(loop: SimulatedLoop) -> None:
    async def scene() -> float:
        await asyncio.sleep(365 * 86_400)
        return loop.time()

    assert loop.run_until_complete(scene()) == 365 * 86_400


def test_the_seed_decides_who_goes_next() -> None:
    orders = {tuple(order(SimulatedLoop(Random(seed)), 20)) for seed in (1, 1, 2, 3)}
    assert len(orders) == 3
    assert order(SimulatedLoop(Random(1), shuffle=False), 20) == list(range(20))


def test_a_killed_process_runs_no_other_line(loop: SimulatedLoop) -> None:
    lines: list[str] = []

    async def work() -> None:
        try:
            while True:
                lines.append("work")
                await asyncio.sleep(1)
        finally:
            lines.append("finally")

    async def scene() -> None:
        process = Process("one", loop)
        process.at_death(lambda: lines.append("let go"))
        process.spawn(work())
        await asyncio.sleep(2.5)
        process.kill()
        await asyncio.sleep(10)
        assert lines == ["work", "work", "work", "let go"]

    loop.run_until_complete(scene())


def test_a_process_dies_at_a_chosen_await(loop: SimulatedLoop) -> None:
    count = 0

    async def work() -> None:
        nonlocal count
        while True:
            count += 1
            await asyncio.sleep(0)

    async def scene() -> None:
        process = Process("one", loop)
        process.kill_after(7)
        process.spawn(work())
        await asyncio.sleep(1)
        assert not process.alive

    loop.run_until_complete(scene())
    assert count == 7


def test_a_stopped_process_goes_on_where_it_was(loop: SimulatedLoop) -> None:
    seen: list[float] = []

    async def work() -> None:
        while True:
            await asyncio.sleep(1)
            seen.append(loop.time())

    async def scene() -> None:
        process = Process("one", loop)
        process.spawn(work())
        await asyncio.sleep(1.5)
        process.stop()
        await asyncio.sleep(10)
        assert seen == [1]
        process.resume()
        await asyncio.sleep(2)

    loop.run_until_complete(scene())
    assert seen == [1, 11.5, 12.5]


def test_waiting_for_nobody_is_told(loop: SimulatedLoop) -> None:
    with pytest.raises(Stalled, match="never go on"):
        loop.run_until_complete(loop.create_future())


def test_going_round_in_circles_is_told(loop: SimulatedLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mulligan.testing.simulation.loop.PATIENCE", 1_000)

    async def circle() -> None:
        for _ in range(10_000):
            await asyncio.sleep(0)

    with pytest.raises(Stalled, match="time stands still"):
        loop.run_until_complete(circle())


def test_work_of_threads_is_done_within_the_step_that_asks(loop: SimulatedLoop) -> None:
    async def scene() -> str:
        return loop.complete(in_a_thread())

    async def in_a_thread() -> str:
        return await asyncio.to_thread(lambda: "done")

    assert loop.run_until_complete(scene()) == "done"
