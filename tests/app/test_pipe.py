"""Messages cross from loop to loop in order, none is lost, and whoever is ahead waits."""

from __future__ import annotations

import asyncio

import pytest

from mulligan.app.pipe import MOST_BATCHES, Pipe
from mulligan.sdk.loops import LoopThread
from mulligan.sdk.transports.link import LinkClosed


async def read_all(pipe: Pipe[int], count: int) -> list[int]:
    numbers: list[int] = []
    while len(numbers) < count:
        numbers += await pipe.take()
    return numbers


async def test_messages_cross_between_loops_in_order() -> None:
    thread = LoopThread("reader")
    try:
        pipe: Pipe[int] = Pipe(thread.loop)
        reading = thread.submit(read_all(pipe, 20_000))
        for number in range(0, 20_000, 2):
            await pipe.put([number, number + 1])
        assert await asyncio.wrap_future(reading) == list(range(20_000))
    finally:
        thread.stop()


async def test_what_piles_up_is_taken_at_once() -> None:
    pipe: Pipe[int] = Pipe(asyncio.get_running_loop())
    await pipe.put([1])
    await pipe.put([2, 3])
    assert await pipe.take() == [1, 2, 3]


async def test_whoever_is_far_ahead_waits_for_the_reader() -> None:
    pipe: Pipe[int] = Pipe(asyncio.get_running_loop())
    for number in range(MOST_BATCHES):
        await pipe.put([number])
    one_more = asyncio.ensure_future(pipe.put([MOST_BATCHES]))
    await asyncio.sleep(0)
    assert not one_more.done()
    assert await pipe.take() == list(range(MOST_BATCHES + 1))
    await one_more


async def test_cancelling_a_take_loses_nothing() -> None:
    pipe: Pipe[int] = Pipe(asyncio.get_running_loop())
    taking = asyncio.ensure_future(pipe.take())
    await asyncio.sleep(0)
    await pipe.put([1])
    taking.cancel()
    await asyncio.gather(taking, return_exceptions=True)
    assert await pipe.take() == [1]


async def test_closing_ends_both_sides_after_what_was_put_has_been_taken() -> None:
    pipe: Pipe[int] = Pipe(asyncio.get_running_loop())
    await pipe.put([1])
    pipe.close()
    assert await pipe.take() == [1]
    with pytest.raises(LinkClosed):
        await pipe.take()
    with pytest.raises(LinkClosed):
        await pipe.put([2])


async def test_closing_wakes_whoever_waits() -> None:
    empty: Pipe[int] = Pipe(asyncio.get_running_loop())
    taking = asyncio.ensure_future(empty.take())
    full: Pipe[int] = Pipe(asyncio.get_running_loop())
    for number in range(MOST_BATCHES):
        await full.put([number])
    putting = asyncio.ensure_future(full.put([0]))
    await asyncio.sleep(0)
    empty.close()
    full.close()
    with pytest.raises(LinkClosed):
        await taking
    await putting


async def test_a_reader_whose_loop_has_ended_is_gone() -> None:
    thread = LoopThread("short-lived")
    pipe: Pipe[int] = Pipe(thread.loop)
    thread.stop()
    await pipe.put([1])  # noticed here
    with pytest.raises(LinkClosed):
        await pipe.put([2])
