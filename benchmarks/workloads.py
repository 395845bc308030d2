"""The four workloads, the same for every engine that is measured.

W1 steady: no-op tasks of about 100 bytes in and out, enqueued and processed at once. W2: one at a time, from the call
to its result. W3: chains of three steps. W4: a parent with 1,000 children. Bulk: enqueue only, nobody works.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from benchmarks import app
from mulligan import Run

TEXT = "x" * 90


@dataclass(frozen=True, slots=True)
class Result:
    """``rate``: per second of wall time. ``p50_ms``, ``p99_ms``: of single calls, where they were taken."""

    workload: str
    count: int
    seconds: float
    p50_ms: float | None = None
    p99_ms: float | None = None

    @property
    def rate(self) -> float:
        return self.count / self.seconds


async def timed(workload: str, count: int, work: Callable[[], Awaitable[object]]) -> Result:
    began = time.perf_counter()
    await work()
    return Result(workload, count, time.perf_counter() - began)


async def steady(count: int) -> Result:
    """W1: callers that each await their own result, as a web application's requests would."""

    async def work() -> None:
        await app.noop.map([TEXT] * count)

    return await timed("W1 tasks/s", count, work)


async def one_by_one(count: int) -> Result:
    """W2: the time from a call to its result, with nothing else going on."""
    spans: list[float] = []
    began = time.perf_counter()
    for _ in range(count):
        called = time.perf_counter()
        await app.noop(TEXT)
        spans.append((time.perf_counter() - called) * 1000)
    cuts = statistics.quantiles(spans, n=100)
    return Result("W2 latency", count, time.perf_counter() - began, cuts[49], cuts[98])


async def chains(count: int) -> Result:
    """W3: steps per second over chains of three."""

    async def work() -> None:
        runs = await app.chain.start_many([TEXT] * count)
        await asyncio.gather(*(run.wait(steps=False) for run in runs))

    return await timed("W3 steps/s", 3 * count, work)


async def fan_out(children: int) -> Result:
    """W4: one parent with many children, until the parent has all results."""
    return await timed("W4 children/s", children, lambda: app.parent(children))


async def enqueue(count: int) -> Result:
    """Bulk enqueue: accepted and on disk, while a worker is busy with what came before. The drain is not timed."""
    result, runs = await start(count)
    await asyncio.gather(*(run.wait(steps=False) for run in runs))
    return result


async def start(count: int) -> tuple[Result, list[Run[str]]]:
    """Starts runs, 1,000 per call, and waits for none."""
    runs: list[Run[str]] = []
    began = time.perf_counter()
    for begin in range(0, count, 1000):
        runs += await app.noop.start_many([TEXT] * min(1000, count - begin))
    return Result("enqueue/s", count, time.perf_counter() - began), runs
