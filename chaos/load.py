"""The program under chaos: every step writes down that it begins, has an effect outside, and writes down its result.

A result is a word that no other attempt has, so that the auditor sees whose result counts.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import time
from collections.abc import Sequence
from pathlib import Path

from chaos.ledgers import Effects, Ledger, sealed
from chaos.plot import BROKEN
from mulligan import Context, Mulligan, Retry, after

m = Mulligan()
RETRY = Retry(3, first="50ms")


def begin_work(ctx: Context, *saw: str, mark: str = "") -> None:
    place = Path(os.environ["CHAOS_FOLDER"])
    Ledger(place / "workers").write(
        "start", run=ctx.run_id, step=ctx.step, attempt=ctx.attempt, worker=os.environ["CHAOS_NAME"],
        saw=[sealed(each) for each in saw], mark=mark,
    )  # fmt: skip
    Effects(place / "effects.db").happen(ctx.run_id, ctx.step, ctx.attempt)


def end_work(ctx: Context, children: Sequence[str] = ()) -> str:
    word = secrets.token_hex(8)
    Ledger(Path(os.environ["CHAOS_FOLDER"]) / "workers").write(
        "finish", run=ctx.run_id, step=ctx.step, attempt=ctx.attempt, worker=os.environ["CHAOS_NAME"],
        result=sealed(word), children=[sealed(each) for each in children],
    )  # fmt: skip
    return word


def moment() -> float:
    """Seconds: long enough to be killed in the middle of."""
    return random.uniform(0, 0.04)


def work(ctx: Context, *saw: str) -> str:
    begin_work(ctx, *saw)
    time.sleep(moment())
    return end_work(ctx)


async def work_waiting(ctx: Context, *saw: str) -> str:
    begin_work(ctx, *saw)
    await asyncio.sleep(moment())
    return end_work(ctx)


# ── Tasks ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@m.task
def single(ctx: Context, number: int) -> str:
    """In a thread of the worker."""
    return work(ctx)


@m.task(at_most_once=True)
def once(ctx: Context, number: int) -> str:
    """Rather not at all than twice."""
    return work(ctx)


@m.task
async def leaf(ctx: Context, text: str) -> str:
    """On the worker's event loop; started by other steps."""
    return await work_waiting(ctx)


@m.task(retries=RETRY)
async def flaky(ctx: Context, number: int) -> str:
    if ctx.attempt == 1:
        begin_work(ctx)
        raise ConnectionError("the first time never works")
    return await work_waiting(ctx)


@m.task
async def fan_out(ctx: Context, number: int) -> str:
    begin_work(ctx)
    words = await leaf.map([f"{number}/{index}" for index in range(6)])
    return end_work(ctx, words)


@m.task
async def parent(ctx: Context, number: int) -> str:
    """One child after the other, the second with the first one's result."""
    begin_work(ctx)
    first = await leaf(f"{number}")
    second = await leaf(first)
    return end_work(ctx, [first, second])


@m.task
def parent_in_thread(ctx: Context, number: int) -> str:
    """Code that cannot await has children, too."""
    begin_work(ctx)
    return end_work(ctx, [m.sync(leaf(f"{number}"))])


@m.task
async def slow(ctx: Context, number: int) -> str:
    """Somebody changes his mind before it ends."""
    begin_work(ctx)
    await asyncio.sleep(2)
    return end_work(ctx)


# ── A DAG of five, and a sleep ───────────────────────────────────────────────────────────────────────────────────────

diamond = m.workflow("diamond", input=int)


@diamond.step
def begin(ctx: Context, number: int) -> str:
    return work(ctx)


@diamond.step(retries=RETRY)
async def left(ctx: Context, begin: str = after(begin)) -> str:
    if ctx.attempt == 1:
        begin_work(ctx, begin)
        raise ConnectionError("the first time never works")
    return await work_waiting(ctx, begin)


@diamond.step
def right(ctx: Context, begin: str = after(begin)) -> str:
    return work(ctx, begin)


pause = diamond.sleep("100ms", after=[begin])


@diamond.step(after=[pause])
async def join(ctx: Context, left: str = after(left), right: str = after(right)) -> str:
    return await work_waiting(ctx, left, right)


@diamond.step
def end(ctx: Context, join: str = after(join)) -> str:
    return work(ctx, join)


# ── One that fails until somebody edits its input ────────────────────────────────────────────────────────────────────

mending = m.workflow("mending", input=str)


@mending.step
def prepare(ctx: Context, mark: str) -> str:
    return work(ctx)


@mending.step
async def check(ctx: Context, mark: str, prepare: str = after(prepare)) -> str:
    begin_work(ctx, prepare, mark=mark)
    if mark == BROKEN:
        raise ValueError("the mark is broken")
    return end_work(ctx)


@mending.step
def publish(ctx: Context, check: str = after(check)) -> str:
    return work(ctx, check)
