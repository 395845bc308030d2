"""Live updates: what commits touched, gathered for a quarter of a second, read once, and told to every subscriber."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec

from mulligan.core.query import RunFilter
from mulligan.engine.api import Committed
from mulligan.errors import InvalidInput, Problem, Unavailable
from mulligan.server.reading.runs import run_summary
from mulligan.server.reading.scene import RUN_ID
from mulligan.server.site import Caller, Site
from mulligan.wire.rest.codec import write

GATHERED = timedelta(milliseconds=250)
HEARTBEAT = timedelta(seconds=15)
MOST_RUNS_AT_ONCE = 200
MOST_RUNS_WAITING = 5_000
MOST_BATCHES_WAITING = 64
MOST_TOPICS = 50
HINTS = ("workers", "replays", "inbox")

log = logging.getLogger("mulligan.server")


@dataclass(frozen=True, slots=True)
class Topics:
    """What a subscriber wants to hear of."""

    all_runs: bool
    run_ids: frozenset[str]
    hints: frozenset[str]
    """Of ``HINTS``: those that say no more than that something has changed there."""


def topics_of(text: str) -> Topics:
    """``runs,run:<id>,workers,replays,inbox``. Raises InvalidInput."""
    names = [name for name in text.split(",") if name]
    run_ids = frozenset(name.removeprefix("run:") for name in names if name.startswith("run:"))
    unknown = [name for name in names if name not in ("runs", *HINTS) and not name.startswith("run:")]
    unknown += [run_id for run_id in run_ids if RUN_ID.fullmatch(run_id) is None]
    if unknown or not names or len(names) > MOST_TOPICS:
        rule = f"name up to {MOST_TOPICS} topics of: runs, run:<id>, {', '.join(HINTS)}"
        raise InvalidInput(f"These topics are not understood; {rule}.", problems=(Problem("/topics", rule, "query"),))
    return Topics(all_runs="runs" in names, run_ids=run_ids, hints=frozenset(names) & frozenset(HINTS))


@dataclass(eq=False, slots=True)
class Subscriber:
    """One open stream. ``batches``: what it has still to be sent; None ends it."""

    namespace: str
    topics: Topics
    batches: asyncio.Queue[bytes | None] = field(default_factory=lambda: asyncio.Queue(MOST_BATCHES_WAITING + 2))

    def wants(self, namespace: str, about: str) -> bool:
        if namespace != self.namespace:
            return False
        if about in HINTS:
            return about in self.topics.hints
        return self.topics.all_runs or about in self.topics.run_ids

    def offer(self, batch: bytes) -> None:
        """Whoever is too slow is dropped with a reason, so that nothing piles up here; it comes back and reads anew."""
        if self.batches.qsize() < MOST_BATCHES_WAITING:
            self.batches.put_nowait(batch)
        elif self.batches.qsize() == MOST_BATCHES_WAITING:
            self.end("this connection was too slow; read everything again")

    def end(self, reason: str) -> None:
        if self.batches.qsize() <= MOST_BATCHES_WAITING:
            self.batches.put_nowait(_event("dropped", msgspec.json.encode({"reason": reason})))
            self.batches.put_nowait(None)


class Live:
    """Listens to the engine while anybody listens to it. ``close`` ends all streams, so that a server can stop."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._engine = site.engine
        self._subscribers: set[Subscriber] = set()
        self._touched: dict[str, OrderedDict[str, None]] = {}
        self._hints: set[tuple[str, str]] = set()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._position = 0
        self._closed = False

    @property
    def open_streams(self) -> int:
        return len(self._subscribers)

    def stream(self, caller: Caller, topics: Topics) -> AsyncIterator[bytes]:
        """Server-sent events, until the caller's token ends. Raises Unavailable when the server is stopping."""
        if self._closed:
            raise Unavailable("The server is stopping. Connect again in a moment.")
        return self._stream(caller, topics)

    async def _stream(self, caller: Caller, topics: Topics) -> AsyncIterator[bytes]:
        subscriber = Subscriber(caller.namespace, topics)
        self._subscribers.add(subscriber)
        if self._task is None:
            self._task = asyncio.create_task(self._tell(), name="mulligan-live")
        token = asyncio.create_task(self._end_with_token(caller, subscriber), name="mulligan-live-token")
        try:
            yield _event("hello", b"{}", self._position)
            async for batch in self._batches(subscriber):
                yield batch
        finally:
            self._subscribers.discard(subscriber)
            token.cancel()
            if not self._subscribers:
                self._rest()

    async def _end_with_token(self, caller: Caller, subscriber: Subscriber) -> None:
        await self._site.no_longer_admits(caller)
        subscriber.end("the token is no longer good")

    async def _batches(self, subscriber: Subscriber) -> AsyncIterator[bytes]:
        while True:
            batch = asyncio.ensure_future(subscriber.batches.get())
            silence = asyncio.ensure_future(self._engine.clock.sleep(HEARTBEAT))
            try:
                await asyncio.wait((batch, silence), return_when=asyncio.FIRST_COMPLETED)
                found = batch.result() if batch.done() else _event("ping", b"{}", self._position)
            finally:
                silence.cancel()
                batch.cancel()
            if found is None:
                return
            yield found

    def _rest(self) -> None:
        """Nobody listens any more: neither do we. Whoever comes next reads everything first."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._touched.clear()
        self._hints.clear()
        self._news.clear()

    async def close(self) -> None:
        self._closed = True
        for subscriber in self._subscribers:
            subscriber.end("the server is stopping")
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    # ── Gathering and telling ────────────────────────────────────────────────────────────────────────────────────────

    async def _tell(self) -> None:
        stop_listening = self._engine.feed.listen(self._heard)
        try:
            while True:
                await self._news.wait()
                await self._engine.clock.sleep(GATHERED)
                self._news.clear()
                try:
                    await self._tell_once()
                except Exception:
                    log.exception("live updates could not be read; the next commit tries again")
        finally:
            stop_listening()

    def _heard(self, committed: Committed) -> None:
        """On the engine's loop, after each commit: only take notes."""
        if not self._subscribers:
            return
        wanted = {subscriber.namespace for subscriber in self._subscribers}
        for namespace, run_id in committed.runs:
            if namespace in wanted:
                waiting = self._touched.setdefault(namespace, OrderedDict())
                waiting[run_id] = None
                if len(waiting) > MOST_RUNS_WAITING:
                    waiting.popitem(last=False)
        self._hints.update((namespace, "workers") for namespace in committed.workers)
        self._hints.update((namespace, "replays") for namespace in committed.bulks)
        self._hints.update((namespace, "inbox") for namespace in committed.groups)
        self._news.set()

    async def _tell_once(self) -> None:
        """Everything that each subscriber is to hear now, as one batch."""
        self._position += 1
        hints = sorted(self._hints)
        self._hints.clear()
        runs = {namespace: self._take(namespace, touched) for namespace, touched in self._touched.items()}
        news = [(namespace, hint, _event(hint, b"{}", self._position)) for namespace, hint in hints]
        try:
            for namespace, run_ids in runs.items():
                events = await self._read(namespace, run_ids)
                news += [(namespace, run_id, event) for run_id, event in events.items()]
        except Exception:
            self._hints.update(hints)
            self._put_back(runs)
            raise
        if any(self._touched.values()):
            self._news.set()
        for subscriber in list(self._subscribers):
            batch = b"".join(event for namespace, about, event in news if subscriber.wants(namespace, about))
            if batch:
                subscriber.offer(batch)

    def _take(self, namespace: str, touched: OrderedDict[str, None]) -> list[str]:
        """The runs to tell of now, longest waiting first; those that nobody asked for are forgotten."""
        subscribers = [one for one in self._subscribers if one.namespace == namespace]
        if not any(one.topics.all_runs for one in subscribers):
            wanted = {run_id for one in subscribers for run_id in one.topics.run_ids}
            for run_id in [run_id for run_id in touched if run_id not in wanted]:
                del touched[run_id]
        return [touched.popitem(last=False)[0] for _ in range(min(len(touched), MOST_RUNS_AT_ONCE))]

    def _put_back(self, runs: dict[str, list[str]]) -> None:
        """What could not be told is the next to be told."""
        for namespace, run_ids in runs.items():
            waiting = self._touched.setdefault(namespace, OrderedDict())
            for run_id in reversed(run_ids):
                waiting[run_id] = None
                waiting.move_to_end(run_id, last=False)

    async def _read(self, namespace: str, run_ids: list[str]) -> dict[str, bytes]:
        if not run_ids:
            return {}
        wanted = RunFilter(ids=tuple(run_ids))
        rows = await self._engine.store.find_runs(namespace, wanted, None, len(run_ids))
        return {row.run.id: _event("run", write(run_summary(row)), self._position) for row in rows}


def _event(name: str, data: bytes, position: int | None = None) -> bytes:
    number = b"" if position is None else b"id: %d\n" % position
    return b"event: %s\n%sdata: %s\n\n" % (name.encode(), number, data)
