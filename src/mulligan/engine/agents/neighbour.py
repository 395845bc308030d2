"""Keeps up with the other engines on the same store: what they made ready, ended and took away."""

from __future__ import annotations

from collections.abc import Callable, Set
from datetime import datetime

from mulligan.core.commands import AttemptRef
from mulligan.engine.dispatcher import Dispatcher, Seat
from mulligan.engine.feed import Feed
from mulligan.engine.publish import UNWANTED, Publisher
from mulligan.ports.store import News, Store

FEW = 1_000
TICKS = 3
"""In so many ticks each of those runs is looked at that are awaited here: all at once, thousands would cost more than
what they wait for. A waiter is late by them at most, and only if news of the end got lost."""


class Neighbour:
    """``tick`` looks at everything: that is the truth. ``hear`` looks at what news speak of: a hint, and sooner.

    ``wake`` tells the cycle that steps may be ready; ``look_at_all`` brings the next tick forward.
    """

    def __init__(
        self,
        store: Store,
        dispatcher: Dispatcher,
        feed: Feed,
        publisher: Publisher,
        wake: Callable[[], None],
        look_at_all: Callable[[], None],
    ) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._feed = feed
        self._publisher = publisher
        self._wake = wake
        self._look_at_all = look_at_all
        self._place = 0

    async def tick(self, now: datetime) -> datetime | None:
        self._find_ready(await self._store.ready_routes())
        await self._publisher.end_awaited(self._next_awaited())
        await self._stop_unwanted(self._held())
        return None

    def hear(self, news: News | None) -> None:
        if news is None:
            self._look_at_all()
            return
        self._find_ready(news.routes)
        touched = {run_id for _, run_id in news.committed.runs}
        if self._feed.awaited(touched):
            self._publisher.later(self._publisher.end_awaited(touched))
        held = [(seat, ref) for seat, ref in self._held() if ref.run_id in touched]
        if held:
            self._publisher.later(self._stop_unwanted(held))
        if self._feed.has_listeners and news.committed:
            self._feed.committed(news.committed)

    def _find_ready(self, routes: Set[str]) -> None:
        self._dispatcher.hint_routes(routes)
        if self._dispatcher.can_claim():
            self._wake()

    def _next_awaited(self) -> list[str]:
        awaited = self._feed.awaited_ids
        if self._place >= len(awaited):
            self._place = 0
        begin, self._place = self._place, self._place + max(FEW, len(awaited) // TICKS + 1)
        return awaited[begin : self._place]

    def _held(self) -> list[tuple[Seat, AttemptRef]]:
        return [(seat, ref) for seat in self._dispatcher.seats.values() for ref in seat.held()]

    async def _stop_unwanted(self, held: list[tuple[Seat, AttemptRef]]) -> None:
        """Tell workers of attempts that another engine has ended: a run was cancelled, a time limit is over."""
        if not held:
            return
        live = await self._store.live_leases(list({ref.run_id for _, ref in held}))
        for seat, ref in held:
            if (ref.run_id, ref.step, ref.token) not in live:
                seat.stop([ref], UNWANTED)
