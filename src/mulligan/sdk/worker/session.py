"""Driving a link for a worker: hello, beats, sending and receiving, reconnecting for ever, draining."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from mulligan.core.durations import write_duration
from mulligan.sdk.backoff import reconnect_delay
from mulligan.sdk.client.problems import error_of, final_or_closed
from mulligan.sdk.clock import Clock
from mulligan.sdk.transports.link import Link, LinkClosed
from mulligan.sdk.worker.deadlines import Deadlines
from mulligan.sdk.worker.worker import Worker
from mulligan.wire import messages as wire
from mulligan.wire.messages import Acknowledge, Assign, Drain, FromSdk, FromServer, Goodbye, Stop, Welcome

log = logging.getLogger("mulligan.worker")

WORKER_GONE = "worker_gone"
"""The code with which a server ends the session of a worker that it has given up."""

SETTLING = timedelta(seconds=5)
"""How long the last reports of a drained worker may wait for their acknowledgement."""


class WorkerSession:
    """All of it runs on one event loop, which step code never runs on (but in tests), so that it cannot be starved.

    ``welcomed`` is called after each hello that the server has answered.
    """

    def __init__(self, worker: Worker, link: Link, clock: Clock, welcomed: Callable[[], None] = lambda: None) -> None:
        self._worker = worker
        self._link = link
        self._clock = clock
        self._welcomed = welcomed
        self._news = asyncio.Event()
        self._sending = asyncio.Lock()
        self._deadlines = Deadlines(clock, worker.expire)
        self._beat_every = timedelta(seconds=3)
        self._ttl = timedelta(seconds=15)
        self._confirmed_at: datetime = clock.now()
        self._confirmed = asyncio.Event()
        self._connected = False
        self._drained = asyncio.Event()
        self._again_at_once = False

    async def run(self) -> None:
        """Until it is drained or cancelled. Raises ``Refused`` if the server will never have this worker."""
        background = [
            asyncio.create_task(self._deadlines.run(), name="mulligan-deadlines"),
            asyncio.create_task(self._guard_leases(), name="mulligan-leases"),
        ]
        failures = 0
        try:
            while not self._drained.is_set():
                try:
                    await self._link.connect()
                    await self._greet()
                    failures = 0
                    await self._converse()
                except LinkClosed as closed:
                    failures += 1
                    await self._pause(closed, failures)
        finally:
            self._disconnected()
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            await self._link.close()

    async def _pause(self, closed: LinkClosed, failures: int) -> None:
        self._disconnected()
        if self._drained.is_set():
            return
        if self._again_at_once:
            self._again_at_once = False
            return
        delay = reconnect_delay(failures)
        if failures == 1 or failures % 10 == 0:
            # not one line per try: an outage of hours is not to fill a disk
            log.warning("%s Trying again for as long as it takes (try %d).", closed, failures)
        await self._clock.sleep(delay)

    def _disconnected(self) -> None:
        self._connected = False
        self._worker.ledger.disconnected()

    # ── Connecting ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _greet(self) -> None:
        sent_at = self._clock.now()
        await self._link.send([self._worker.hello()])
        rest: list[FromServer] = []
        welcome: Welcome | None = None
        while welcome is None:
            for message in await self._link.receive():
                if isinstance(message, Welcome):
                    welcome = message
                elif isinstance(message, wire.Refused):
                    self._take_refusal(message)
                else:
                    rest.append(message)
        self._ttl = timedelta(milliseconds=welcome.ttl_ms)
        self._beat_every = timedelta(milliseconds=welcome.beat_ms)
        self._confirm(sent_at)
        self._connected = True
        loop = asyncio.get_running_loop()
        self._worker.ledger.connected(lambda: _threadsafe(loop, self._news.set))
        versions = ", ".join(f"{name} version {number}" for name, (_, number) in sorted(welcome.versions.items()))
        log.info("Worker %s is connected, with %s.", self._worker.name, versions or "no workflows")
        self._welcomed()
        self._take(rest)

    async def reconnect(self) -> None:
        """Say hello anew, because the program has declared more. Running steps go on."""
        self._again_at_once = True
        await self._link.close()

    # ── Conversing ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _converse(self) -> None:
        """Until the link closes, which whoever notices it first raises as ``LinkClosed``."""
        await _first_to_end([self._read(), self._write(), self._beat(), self._drained.wait()])

    async def _read(self) -> None:
        while True:
            self._take(await self._link.receive())

    async def _write(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            await self._send(self._worker.collect())

    async def _send(self, messages: Sequence[FromSdk]) -> None:
        if messages:
            async with self._sending:
                await self._link.send(messages)

    async def _beat(self) -> None:
        while True:
            await self._clock.sleep(self._beat_every)
            sent_at = self._clock.now()
            self._worker.ledger.repeat_unsettled()
            await self._send([self._worker.beat()])
            # sent is not arrived: a dead network swallows a lot before anybody notices
            await self._link.confirm()
            self._confirm(sent_at)

    def _confirm(self, at: datetime) -> None:
        self._confirmed_at = at
        self._confirmed.set()

    async def _guard_leases(self) -> None:
        """Stop what runs when its leases may soon be somebody else's: no beat arrived for the TTL less two beats."""
        while True:
            left = self._confirmed_at + self._ttl - 2 * self._beat_every - self._clock.now()
            if left > timedelta():
                await self._clock.sleep(left)
                continue
            self._worker.stop_all(
                "the server has not been reached for so long that their leases may have been given away"
            )
            await self._link.close()
            self._confirmed.clear()
            await self._confirmed.wait()

    def _take(self, messages: Sequence[FromServer]) -> None:
        assigns: list[Assign] = []
        for message in messages:
            match message:
                case Assign():
                    assigns.append(message)
                case Acknowledge():
                    self._worker.ledger.settle(message.leases)
                case Stop():
                    self._worker.stop(message.leases, message.reason)
                case wire.Refused():
                    self._take_refusal(message)
                case _:
                    log.debug("A worker has no use for a %s", type(message).__name__)
        if assigns:
            for attempt in self._worker.assign(assigns):
                if attempt.assign.remaining_ms is not None:
                    self._deadlines.add(attempt, timedelta(milliseconds=attempt.assign.remaining_ms))

    def _take_refusal(self, refusal: wire.Refused) -> None:
        if not refusal.fatal:
            log.warning("The server refused a message (%s): %s", refusal.code, refusal.message)
            return
        if refusal.code == WORKER_GONE:
            self._worker.stop_all("the server has given their leases to other workers")
        raise final_or_closed(error_of(refusal.code, refusal.message))

    # ── Leaving ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def drain(self, grace: timedelta) -> None:
        """Take nothing new, let running steps finish within ``grace``, hand back the others, say goodbye."""
        ledger = self._worker.ledger
        ledger.close_for_work()
        ledger.release_unstarted()
        running = "1 step is running" if ledger.running == 1 else f"{ledger.running} steps are running"
        log.info("Worker %s drains: %s, with up to %s to finish.", self._worker.name, running, write_duration(grace))
        if self._connected:
            with suppress(LinkClosed):
                await self._send([Drain()])
        if not await self._wait_until(lambda: ledger.is_settled, grace):
            self._worker.stop_all("the worker is being shut down")
            await self._wait_until(lambda: not ledger.running, SETTLING)
        await self._wait_until(lambda: ledger.is_settled or not self._connected, SETTLING)
        if self._connected:
            with suppress(LinkClosed):
                await self._send([*self._worker.collect(), Goodbye()])
                await self._link.confirm()
        self._drained.set()
        await self._link.close()

    async def _wait_until(self, is_so: Callable[[], bool], at_most: timedelta) -> bool:
        until = self._clock.now() + at_most
        while not is_so():
            if self._clock.now() >= until:
                return False
            await self._clock.sleep(timedelta(milliseconds=20))
        return True


def _threadsafe(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    try:
        if asyncio.get_running_loop() is loop:
            call()
            return
    except RuntimeError:
        pass  # a thread without a loop
    with suppress(RuntimeError):  # the loop is closed: nobody is left to be woken
        loop.call_soon_threadsafe(call)


async def _first_to_end(coroutines: Sequence[Coroutine[Any, Any, object]]) -> None:
    """Run all until one returns or raises; cancel the others, then raise what it raised."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
