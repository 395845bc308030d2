"""Which runs have ended lately: a developer sees it in the terminal without asking."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import islice

from mulligan.core.lifecycle import is_terminal
from mulligan.core.records import Run
from mulligan.engine.api import Committed, Engine
from mulligan.errors import StoreUnavailable

log = logging.getLogger("mulligan.dev")

GATHERED = timedelta(milliseconds=300)
MOST_AT_ONCE = 10
"""Under load nobody reads every line: of the runs that end in one interval so many are told one by one."""
REMEMBERED = 10_000

Tell = Callable[[Sequence[Run], int], None]
"""Is given runs that have ended, and of how many more it was not looked at whether they have."""


class News:
    """Looks at the runs that commits have touched and tells those that have ended, once each."""

    def __init__(self, engine: Engine, namespace: str, tell: Tell) -> None:
        self._engine = engine
        self._namespace = namespace
        self._tell = tell
        self._touched: dict[str, None] = {}
        self._told: OrderedDict[str, None] = OrderedDict()
        self._any = asyncio.Event()

    def notice(self, committed: Committed) -> None:
        for namespace, run_id in committed.runs:
            if namespace == self._namespace and run_id not in self._told:
                self._touched[run_id] = None
        if self._touched:
            self._any.set()

    async def run(self) -> None:
        while True:
            await self._any.wait()
            await self._engine.clock.sleep(GATHERED)
            self._any.clear()
            touched, self._touched = self._touched, {}
            await self._look_at(touched)

    async def _look_at(self, touched: dict[str, None]) -> None:
        try:
            facts = await self._engine.store.facts(list(islice(touched, MOST_AT_ONCE)))
        except StoreUnavailable as error:
            log.warning("which runs have ended cannot be told: %s", error)
            return
        ended = [one.run for one in facts.values() if is_terminal(one.run.status)]
        for run in ended:
            self._told[run.id] = None
        while len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        if ended:
            self._tell(ended, max(0, len(touched) - MOST_AT_ONCE))


@asynccontextmanager
async def news(engine: Engine, namespace: str, tell: Tell) -> AsyncIterator[None]:
    """Call ``tell``, on the engine's loop, about runs that end within the block."""
    reporter = News(engine, namespace, tell)
    stop_listening = engine.feed.listen(reporter.notice)
    task = asyncio.create_task(reporter.run(), name="mulligan-news")
    try:
        yield
    finally:
        stop_listening()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
