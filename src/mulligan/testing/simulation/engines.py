"""An engine that can die at any moment and comes back: production's Engine, clock and sessions on a mounted store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from mulligan.app.system import SystemClock
from mulligan.core.decide.policy import Policy
from mulligan.engine.api import Engine
from mulligan.errors import MulliganError, Unavailable
from mulligan.server.session.session import Session
from mulligan.server.site import ALL_SCOPES, Call, Caller, ServerSettings, Site
from mulligan.server.tokens import TokenBook
from mulligan.testing.clock import SeededChance
from mulligan.testing.simulation.disk import Disk
from mulligan.testing.simulation.loop import Process, SimulatedLoop
from mulligan.testing.simulation.network import End, Network
from mulligan.testing.simulation.weather import seed_of
from mulligan.wire.frames import decode_from_sdk, encode_frames
from mulligan.wire.messages import Refused

T = TypeVar("T")

EPOCH = datetime(2026, 3, 1, tzinfo=UTC)


class WallClock:
    """The watch on the wall, which people and NTP set; ``shift_s`` is how wrong it is."""

    def __init__(self, loop: SimulatedLoop, epoch: datetime = EPOCH) -> None:
        self._loop = loop
        self._epoch_s = epoch.timestamp()
        self.shift_s = 0.0
        self.furthest_s = 0.0
        self.most_s = float("inf")
        """It is never more wrong than this."""

    def jump(self, seconds: float) -> None:
        self.shift_s = max(-self.most_s, min(self.shift_s + seconds, self.most_s))
        self.furthest_s = max(self.furthest_s, self.shift_s)

    def __call__(self) -> float:
        return self._epoch_s + self._loop.time() + self.shift_s


class EngineNode:
    """One replica. ``boot`` starts a process for it; after its death the next ``boot`` starts another."""

    def __init__(
        self,
        name: str,
        loop: SimulatedLoop,
        disk: Disk,
        wall: WallClock,
        policy: Policy,
        seed: str,
        retention: timedelta | None = None,
        started: Callable[[Process, datetime], None] = lambda process, now: None,
    ) -> None:
        self.name = name
        self._started = started
        self.boots = 0
        self.booted_at = 0.0
        self.engine: Engine | None = None
        self._loop = loop
        self._disk = disk
        self._wall = wall
        self._policy = policy
        self._seed = seed
        self._retention = retention
        self._process: Process | None = None
        self._sites: dict[str, Site] = {}

    @property
    def process(self) -> Process | None:
        """The process that listens now, if there is one."""
        return self._process if self.is_up else None

    @property
    def is_up(self) -> bool:
        return self._process is not None and self._process.alive

    def boot(self) -> Process:
        """Start a process. It opens its store by itself, and dies if it cannot."""
        assert not self.is_up
        self.boots += 1
        self.booted_at = self._loop.time()
        process = self._process = Process(self.name, self._loop, self.boots)
        self.engine = None
        process.spawn(self._run(process))
        return process

    async def _run(self, process: Process) -> None:
        store = self._disk.mount(process)
        chance = SeededChance(seed_of(f"{self._seed}/{self.name}/{self.boots}"))
        clock = SystemClock(self._wall, self._loop.time)
        engine = Engine(store.as_port(), clock, chance, self._policy, self._retention)
        self._started(process, clock.now())
        try:
            await engine.start()
        except Unavailable:
            process.kill()
            return
        self._sites = {}
        self.engine = engine

    # ── Serving ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def accept(self, end: End) -> None:
        process = self._process
        if self.engine is None or process is None or process is not end.process:
            end.close()
            return
        process.spawn(self._serve(end))

    async def _serve(self, end: End) -> None:
        """One connection, served as the WebSocket endpoint does it. The first frame says for which namespace."""
        first = await end.receive()
        if first is None:
            return
        session = Session(self.call(first.decode()))
        reading = asyncio.create_task(_read(end, session))
        writing = asyncio.create_task(_write(end, session))
        try:
            await asyncio.wait((reading, writing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            reading.cancel()
            writing.cancel()
            outcomes = await asyncio.gather(reading, writing, return_exceptions=True)
            end.close()
            await session.close()
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                self._loop.failures.append(f"a session ended with {outcome!r}")

    def call(self, namespace: str) -> Call:
        assert self.engine is not None
        site = self._sites.get(namespace)
        if site is None:
            settings = ServerSettings(version="simulated", cookie_key=b"0" * 32, namespace=namespace)
            site = self._sites[namespace] = Site(self.engine, settings, TokenBook(self.engine))
        return Call(site, Caller(namespace, "simulation", frozenset(ALL_SCOPES)))

    async def request(self, network: Network, client: Process, work: Callable[[Engine], Coroutine[Any, Any, T]]) -> T:
        """What a REST handler would do. Raises ``LinkClosed`` (unknown outcome) and what ``work`` raises."""

        async def serve() -> T:
            if self.engine is None:
                raise Unavailable("The engine is starting.")
            return await work(self.engine)

        return await network.request(client, self, serve)


async def _read(end: End, session: Session) -> None:
    while (frame := await end.receive()) is not None:
        try:
            said = decode_from_sdk(frame)
        except MulliganError:
            return
        await session.handle(said)
        await session.has_room()


async def _write(end: End, session: Session) -> None:
    while True:
        messages = await session.take()
        for frame in encode_frames(messages):
            end.send(frame)
        if any(isinstance(message, Refused) and message.fatal for message in messages):
            return
