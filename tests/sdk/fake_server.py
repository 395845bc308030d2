"""The server's side of the session protocol in memory: it says what a test tells it to, and remembers what it heard."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from mulligan import Mulligan
from mulligan.sdk.transports import LinkClosed
from mulligan.sdk.worker.session import WorkerSession
from mulligan.sdk.worker.worker import Substitute, Worker
from mulligan.testing.clock import VirtualClock, settle
from mulligan.wire.messages import (
    PROTOCOL,
    Accepted,
    Acknowledge,
    Assign,
    Credit,
    FromSdk,
    FromServer,
    Hello,
    Lease,
    Report,
    Start,
    StartAnswer,
    StartSpec,
    Welcome,
)

M = TypeVar("M")


class FakeServer:
    """A ``Link`` and what is behind it. ``deaf``: it takes everything and answers nothing, as a dead network does."""

    def __init__(self) -> None:
        self.heard: list[FromSdk] = []
        self.frames: list[list[FromSdk]] = []
        self.connects = 0
        self.refuses: list[Exception] = []
        self.acknowledges = True
        self.welcomes = True
        self.deaf = False
        self.accepts: Callable[[StartSpec], Accepted | tuple[str, str] | None] = lambda spec: Accepted(spec.run_id)
        """What becomes of a start: accepted, refused with code and message, or no answer at all."""
        self._inbox: asyncio.Queue[list[FromServer] | None] = asyncio.Queue()
        self._is_open = False
        self._numbers = itertools.count(1)

    # ── Link ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def connect(self) -> None:
        self.connects += 1
        if self.refuses:
            raise self.refuses.pop(0)
        self._inbox = asyncio.Queue()
        self._is_open = True

    async def send(self, messages: Sequence[FromSdk]) -> None:
        if not self._is_open:
            raise LinkClosed("The test has closed the connection.")
        if self.deaf:
            return
        self.frames.append(list(messages))
        for message in messages:
            self.heard.append(message)
            self._answer(message)

    async def receive(self) -> Sequence[FromServer]:
        if not self._is_open:
            raise LinkClosed("The test has closed the connection.")
        messages = await self._inbox.get()
        if messages is None:
            raise LinkClosed("The test has closed the connection.")
        return messages

    async def confirm(self) -> None:
        if self.deaf:
            await asyncio.get_running_loop().create_future()

    async def close(self) -> None:
        self.cut()

    # ── Telling ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def cut(self) -> None:
        """The connection breaks."""
        self._is_open = False
        self._inbox.put_nowait(None)

    def say(self, *messages: FromServer) -> None:
        self._inbox.put_nowait(list(messages))

    def assign(self, app: Mulligan, workflow: str, step: str | None = None, **given: Any) -> Lease:
        """Send an assignment; ``input`` defaults to no arguments."""
        lease = Lease(f"run-{next(self._numbers)}", step or workflow, given.pop("attempt", 1), "token")
        self.say(assignment(lease, workflow, **given))
        return lease

    # ── Looking ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def all(self, kind: type[M]) -> list[M]:
        return [message for message in self.heard if isinstance(message, kind)]

    def reports(self, lease: Lease) -> list[Report]:
        return [report for report in self.all(Report) if report.lease == lease]

    def report(self, lease: Lease) -> Report:
        (report,) = self.reports(lease)
        return report

    @property
    def credit(self) -> int:
        """Slots offered since the last hello."""
        hellos = [index for index, message in enumerate(self.heard) if isinstance(message, Hello)]
        return sum(message.slots for message in self.heard[hellos[-1] :] if isinstance(message, Credit))

    def _answer(self, message: FromSdk) -> None:
        if isinstance(message, Hello) and self.welcomes:
            versions = {definition.name: (definition.digest, 1) for definition in message.definitions}
            self.say(Welcome(protocol=PROTOCOL, ttl_ms=15_000, beat_ms=3_000, versions=versions))
        elif isinstance(message, Start):
            answers = [self.accepts(spec) for spec in message.runs]
            if None not in answers:
                accepted = [answer if isinstance(answer, Accepted) else None for answer in answers]
                problems = {place: answer for place, answer in enumerate(answers) if isinstance(answer, tuple)}
                self.say(StartAnswer(seq=message.seq, answers=accepted, problems=problems))
        elif isinstance(message, Report) and self.acknowledges:
            self.say(Acknowledge(leases=[message.lease], verdicts=["applied"]))


def assignment(lease: Lease, workflow: str, **given: Any) -> Assign:
    defaults: Mapping[str, Any] = {
        "lease": lease,
        "workflow": workflow,
        "version": "v",
        "input": b"{}",
        "overrides": {},
        "key": lease.run_id,
        "metadata": {},
    }
    return Assign(**{**defaults, **given})


class Bench:
    """A worker and its session on the test's own loop, connected to a fake server."""

    def __init__(self, app: Mulligan, *, slots: int = 4, substitute: Substitute | None = None) -> None:
        self.app = app
        self.clock = VirtualClock()
        self.server = FakeServer()
        self.worker = Worker(app, asyncio.get_running_loop(), self.clock, slots=slots, name="w", substitute=substitute)
        self.session = WorkerSession(self.worker, self.server, self.clock)
        self._running = asyncio.create_task(self.session.run())

    async def __aenter__(self) -> Bench:
        await settle()
        return self

    async def __aexit__(self, *error: object) -> None:
        for attempt in self.worker.ledger.attempts:
            if attempt.task is not None:
                attempt.task.cancel()
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)
        await self.worker.close()

    @property
    def ended(self) -> asyncio.Task[None]:
        return self._running

    async def advance(self, seconds: float) -> None:
        await self.clock.advance(timedelta(seconds=seconds))

    async def run(self, workflow: str, step: str | None = None, **given: Any) -> Report:
        """Assign, wait for the report (also one from a thread) and return it."""
        lease = self.server.assign(self.app, workflow, step, **given)
        await self.until(lambda: bool(self.server.reports(lease)))
        return self.server.report(lease)

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for what comes from another thread; time stands still meanwhile."""
        async with asyncio.timeout(10):
            while not is_so():
                await settle(5)
                await asyncio.to_thread(lambda: None)
