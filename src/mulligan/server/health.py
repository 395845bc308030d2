"""Health is progress: is the loop turning, and does the engine still commit?"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from mulligan.core.commands import BeatWorker
from mulligan.engine.api import Engine

LONGEST_LAG_S = 1.0
RECENT = timedelta(seconds=5)
PATIENCE = timedelta(seconds=2)
UNTRIED = timedelta(seconds=30)
"""When nobody has tried to write for so long, requests may come again: a server that its balancer left alone would
never learn that its store takes changes again."""


async def loop_lag_s() -> float:
    """How late the loop is with what it should do at once."""
    loop = asyncio.get_running_loop()
    turned: asyncio.Future[float] = loop.create_future()
    asked = loop.time()
    loop.call_later(0, lambda: turned.set_result(loop.time() - asked))
    return await turned


async def why_not_ready(engine: Engine) -> str | None:
    """None if a transaction was committed lately, or one can be opened now; else what is wrong.

    Opening one says nothing about writing: who could not write lately is not ready until a change has been committed.
    """
    if not engine.running:
        return "the engine is not running"
    now = engine.clock.now()
    failed_at = engine.cycle.write_failed_at
    if failed_at is not None and now - failed_at < UNTRIED:
        return f"the store could not write the last change, {(now - failed_at).total_seconds():.0f} s ago"
    committed_at = engine.cycle.committed_at
    if committed_at is not None and now - committed_at < RECENT:
        return None
    # Nothing to commit lately. A beat of nobody goes through a whole cycle, and changes nothing.
    probe = engine.submit_later((BeatWorker(worker_id="readiness"),))
    patience = asyncio.ensure_future(engine.clock.sleep(PATIENCE))
    try:
        await asyncio.wait((probe, patience), return_when=asyncio.FIRST_COMPLETED)
    finally:
        patience.cancel()
    if not probe.done():
        return f"the engine has not answered for {PATIENCE.total_seconds():.0f} s"
    (answer,) = probe.result()
    return str(answer) if isinstance(answer, Exception) else None
