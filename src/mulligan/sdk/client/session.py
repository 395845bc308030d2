"""The client's side of the session protocol, on one event loop: starts and watches, answered when they are."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from mulligan.core.limits import PAYLOAD
from mulligan.errors import MulliganError, Refused, Unavailable
from mulligan.sdk.backoff import reconnect_delay
from mulligan.sdk.client.problems import error_of, final_or_closed
from mulligan.sdk.client.watches import Watches
from mulligan.sdk.clock import Clock
from mulligan.sdk.transports.link import Link, LinkClosed
from mulligan.wire import messages as wire
from mulligan.wire.messages import (
    Accepted,
    FromSdk,
    FromServer,
    RunEnded,
    Start,
    StartAnswer,
    StartSpec,
)

log = logging.getLogger("mulligan.client")

PATIENCE = timedelta(seconds=10)
"""How long a start may wait for a server that cannot be reached before it is answered with ``Unavailable``."""

MOST_STARTS = 1_000
MOST_BYTES = PAYLOAD
"""One Start message holds no more than this; larger batches go as several."""

Answer = Accepted | MulliganError


@dataclass(eq=False, slots=True)
class _Batch:
    """Starts asked for together, to be answered together."""

    future: asyncio.Future[list[Answer]]
    answers: list[Answer | None]
    left: int

    def answer(self, index: int, answer: Answer) -> None:
        self.answers[index] = answer
        self.left -= 1
        if not self.left and not self.future.done():
            self.future.set_result([answer for answer in self.answers if answer is not None])


class _Asked(msgspec.Struct, eq=False):
    """One start that has not been answered yet."""

    batch: _Batch
    index: int
    spec: StartSpec

    def answer(self, answer: Answer) -> None:
        self.batch.answer(self.index, answer)


class ClientSession:
    """Everything that one turn of the loop asks for goes out in one frame.

    It connects with the first question, reconnects while anybody waits, and asks again what was not answered. It ends
    with its loop, whose shutdown cancels it, or with ``close``; ``on_end`` is then called.
    """

    def __init__(self, link: Link, clock: Clock, on_end: Callable[[ClientSession], None]) -> None:
        self._link = link
        self._clock = clock
        self._on_end = on_end
        self._unsent: list[_Asked] = []
        self._in_flight: dict[int, list[_Asked]] = {}
        self._seq = 0
        self._watches = Watches()
        self._awake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    # ── Asking ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self, specs: Sequence[StartSpec], *, watched: bool = False) -> asyncio.Future[list[Answer]]:
        """Start runs: for each, in order, that it is on disk or why it is refused.

        ``watched``: their ends will be waited for, so the question for these goes out in the same frame.
        """
        batch = _Batch(asyncio.get_running_loop().create_future(), [None] * len(specs), len(specs))
        if not specs:
            batch.future.set_result([])
        self._unsent += [_Asked(batch, index, spec) for index, spec in enumerate(specs)]
        if watched:
            for spec in specs:
                self._watches.expect(spec.run_id)
        self._wake()
        return batch.future

    async def watch(self, run_id: str) -> RunEnded:
        """Return when the run has ended. Raises what a hopeless session ends with; cancellable."""
        (ended,) = await self.watch_all([run_id])
        return ended

    async def watch_all(self, run_ids: Sequence[str]) -> list[RunEnded]:
        """Return when all have ended."""
        wait = self._watches.wait_for(run_ids)
        self._wake_for_watches()
        try:
            await wait.future
        finally:
            self._watches.leave(wait)
            self._wake_for_watches()
        return [wait.ends[run_id] for run_id in run_ids]

    def unwatch(self, run_id: str) -> None:
        """A run that was to be watched from its start has not come to be, or nobody wants to know any more."""
        self._watches.give_up(run_id)
        if self._task is not None:  # a session that has ended watches nothing
            self._wake_for_watches()

    def _wake_for_watches(self) -> None:
        if self._watches.has_news:
            self._wake()

    def _wake(self) -> None:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._live(), name="mulligan-client")
        self._awake.set()

    # ── Living ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def close(self) -> None:
        if self._task is not None and not self._task.done():
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _live(self) -> None:
        failures = 0
        lost_at = self._clock.now()
        error: MulliganError = Unavailable("The session was closed before there was an answer; the outcome is unknown.")
        try:
            while True:
                try:
                    await self._link.connect()
                    failures = 0
                    await self._converse()
                except LinkClosed as closed:
                    if failures == 0:
                        lost_at = self._clock.now()
                    failures += 1
                    if not self._is_wanted(closed, out_of_patience=self._clock.now() - lost_at >= PATIENCE):
                        return
                    await self._clock.sleep(reconnect_delay(failures))
        except Refused as refused:
            error = refused
        finally:
            self._task = None
            self._fail_all(error)
            self._on_end(self)
            await self._link.close()

    def _is_wanted(self, closed: LinkClosed, *, out_of_patience: bool) -> bool:
        """Is anybody still waiting for this session to be connected again?"""
        if out_of_patience:
            self._give_up_starts(str(closed))
        wanted = bool(self._unsent or self._in_flight or self._watches)
        if wanted:
            log.warning("%s Trying again.", closed)
        return wanted

    def _give_up_starts(self, why: str) -> None:
        after = f"{why} There was no answer within {PATIENCE.seconds} s;"
        for asked in self._unsent:
            asked.answer(Unavailable(f"{after} nothing was accepted. Start again when the server is back."))
        for asked in self._take_in_flight():
            asked.answer(Unavailable(f"{after} the outcome is unknown. Start again with the same idempotency key."))
        self._unsent = []

    def _take_in_flight(self) -> list[_Asked]:
        in_flight, self._in_flight = self._in_flight, {}
        return [asked for part in in_flight.values() for asked in part]

    async def _converse(self) -> None:
        """Until the link closes. First of all what an earlier connection left without an answer is asked again."""
        repeated = self._take_in_flight()
        for asked in repeated:
            asked.spec = msgspec.structs.replace(asked.spec, repeated=True)
        self._unsent = repeated + self._unsent
        self._watches.repeat()
        self._awake.set()
        reading = asyncio.create_task(self._read(), name="mulligan-client-reader")
        writing = asyncio.create_task(self._write(), name="mulligan-client-writer")
        try:
            await asyncio.wait((reading, writing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (reading, writing):
                task.cancel()
            ended = await asyncio.gather(reading, writing, return_exceptions=True)
        for outcome in ended:
            if isinstance(outcome, Exception):
                raise outcome

    async def _write(self) -> None:
        while True:
            await self._awake.wait()
            self._awake.clear()
            messages = self._collect()
            if messages:
                await self._link.send(messages)

    def _collect(self) -> list[FromSdk]:
        messages: list[FromSdk] = []
        unsent, self._unsent = self._unsent, []
        for part in _parts(unsent):
            self._seq += 1
            self._in_flight[self._seq] = part
            messages.append(Start(seq=self._seq, runs=[asked.spec for asked in part]))
        messages += self._watches.collect()
        return messages

    async def _read(self) -> None:
        while True:
            for message in await self._link.receive():
                self._take(message)

    # ── Answers ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _take(self, message: FromServer) -> None:
        match message:
            case StartAnswer():
                self._take_answer(message)
            case RunEnded():
                self._watches.take(message)
            case wire.Refused():
                self._take_refusal(message)
            case _:
                log.debug("A client session has no use for a %s", type(message).__name__)

    def _take_refusal(self, refusal: wire.Refused) -> None:
        error = error_of(refusal.code, refusal.message)
        if refusal.seq is not None:
            for asked in self._in_flight.pop(refusal.seq, ()):
                asked.answer(error)
        elif refusal.run_id is not None:
            self._watches.ended(refusal.run_id, error)
        elif refusal.fatal:
            raise final_or_closed(error)
        else:
            log.warning("The server refused a message (%s): %s", refusal.code, refusal.message)

    def _take_answer(self, answer: StartAnswer) -> None:
        for index, asked in enumerate(self._in_flight.pop(answer.seq, ())):
            accepted = answer.answers[index]
            if accepted is not None:
                asked.answer(accepted)
            else:
                asked.answer(error_of(*answer.problems.get(index, ("refused", "The server gave no reason."))))

    def _fail_all(self, error: MulliganError) -> None:
        asked, self._unsent = self._take_in_flight() + self._unsent, []
        for one in asked:
            one.answer(error)
        self._watches.fail_all(error)


def _parts(starts: Sequence[_Asked]) -> list[list[_Asked]]:
    parts: list[list[_Asked]] = []
    size = 0
    for asked in starts:
        if not parts or len(parts[-1]) >= MOST_STARTS or size + len(asked.spec.input) > MOST_BYTES:
            parts.append([])
            size = 0
        parts[-1].append(asked)
        size += len(asked.spec.input)
    return parts
