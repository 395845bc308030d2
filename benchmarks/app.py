"""The program under the benchmark: tasks that do nothing, so that only the engine costs anything."""

from __future__ import annotations

from mulligan import Mulligan, after

m = Mulligan()


@m.task
async def noop(text: str) -> str:
    return text


chain = m.workflow("chain", input=str)


@chain.step
async def first(text: str) -> str:
    return text


@chain.step
async def second(text: str = after(first)) -> str:
    return text


@chain.step
async def third(text: str = after(second)) -> str:
    return text


@m.task
async def parent(children: int) -> int:
    """Starts children and waits for all of them."""
    results = await noop.map(["x" * 60 for _ in range(children)])
    return len(results)
