"""The events: machines die, stop, come back; lines are cut; clocks jump; the database is away for a while."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Protocol

from mulligan.testing.simulation.engines import EngineNode, WallClock
from mulligan.testing.simulation.loop import Process, SimulatedLoop
from mulligan.testing.simulation.network import Network
from mulligan.testing.simulation.weather import Weather
from mulligan.testing.simulation.workers import WorkerNode


class Node(Protocol):
    """What can die and be started again."""

    name: str

    @property
    def process(self) -> Process | None: ...

    @property
    def is_up(self) -> bool: ...

    def boot(self) -> Process: ...


class Storm:
    """``rage`` until cancelled, then ``clear`` up. Runs outside of all processes."""

    def __init__(
        self,
        loop: SimulatedLoop,
        random: Random,
        weather: Weather,
        network: Network,
        wall: WallClock,
        engines: Sequence[EngineNode],
        workers: Sequence[WorkerNode],
        clients: Sequence[Node],
        ttl_s: float,
    ) -> None:
        self._loop = loop
        self._random = random
        self._weather = weather
        self._network = network
        self._wall = wall
        self._engines = engines
        self._workers = workers
        self._clients = clients
        self._ttl_s = ttl_s
        self._stopped: list[Process] = []
        self.seen: Counter[str] = Counter()
        self.every_s = random.choice((8.0, 20.0, 60.0, 300.0))
        self.longest_absence_s = random.choice((2.0, 20.0, 120.0))
        kinds: list[Callable[[], Awaitable[None] | None]] = [
            self.kill_engine,
            self.kill_worker,
            self.kill_client,
            self.stop_engine,
            self.stop_worker,
            self.cut_line,
            self.silence_line,
            self.block,
            self.jump_clock,
            self.store_away,
            self.drain_worker,
        ]
        self._kinds = kinds
        self._weights = [random.choice((0, 1, 1, 3)) for _ in kinds]
        if not any(self._weights):
            self._weights[0] = 1

    async def rage(self) -> None:
        while True:
            await asyncio.sleep(self._random.expovariate(1 / self.every_s))
            kind = self._random.choices(self._kinds, self._weights)[0]
            self.seen[kind.__name__] += 1
            kind()

    async def watch_over(self) -> None:
        """Whoever died is started again after a while: the service manager of every machine."""
        missing: dict[str, float] = {}
        nodes: list[Node] = [*self._engines, *self._workers, *self._clients]
        while True:
            await asyncio.sleep(1)
            for node in nodes:
                if node.is_up:
                    continue
                absence = 0.2 if self._weather.calm else self._weather.span(0.2, self.longest_absence_s)
                back_at = missing.setdefault(node.name, self._loop.time() + absence)
                if self._loop.time() >= back_at or self._weather.calm:
                    del missing[node.name]
                    self._revive(node)

    def _revive(self, node: Node) -> None:
        process = node.boot()
        if isinstance(node, EngineNode) and self._weather.happens(0.1):
            process.kill_after(self._random.randrange(1, 400))

    def clear(self) -> None:
        """Whatever is stopped goes on, and every line that pretends to be one is cut."""
        self._weather.calm = True
        self._weather.outage_until = 0.0
        for process in self._stopped:
            process.resume()
        for connection in self._network.connections:
            if connection.client.is_mute or connection.server.is_mute:
                connection.cut()

    # ── Machines ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _up(self, nodes: Sequence[Node]) -> Process | None:
        up = [process for node in nodes if (process := node.process) is not None]
        return self._random.choice(up) if up else None

    def _kill(self, nodes: Sequence[Node]) -> None:
        process = self._up(nodes)
        if process is not None:
            process.kill_after(self._random.randrange(1, 60))

    def _stop(self, nodes: Sequence[Node]) -> None:
        """For any time, or for almost exactly so long that its lease runs out."""
        process = self._up(nodes)
        if process is not None:
            process.stop()
            self._stopped.append(process)
            span = self._weather.span(0.5, self.longest_absence_s)
            if self._random.random() < 0.5:
                span = max(0.5, self._ttl_s - self._random.uniform(-2, self._ttl_s / 5 + 1))
            self._loop.call_later(span, process.resume)

    def kill_engine(self) -> None:
        self._kill(self._engines)

    def kill_worker(self) -> None:
        """Half of the time at once, and one that is in the midst of a step: that is when it matters."""
        busy = [node for node in self._workers if node.is_busy]
        process = self._up(busy) if self._random.random() < 0.5 else None
        if process is not None:
            process.kill()
        else:
            self._kill(self._workers)

    def kill_client(self) -> None:
        self._kill(self._clients)

    def stop_engine(self) -> None:
        self._stop(self._engines)

    def stop_worker(self) -> None:
        self._stop(self._workers)

    def drain_worker(self) -> None:
        up = [node for node in self._workers if node.is_up]
        if up:
            self._random.choice(up).drain(self._weather.span(0.1, 30))

    # ── Lines ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def cut_line(self) -> None:
        lines = [line for line in self._network.connections if line.is_open]
        if lines:
            self._random.choice(lines).cut()

    def silence_line(self) -> None:
        lines = [line for line in self._network.connections if line.is_open]
        if lines:
            up, down = self._random.choice(((True, True), (True, False), (False, True)))
            self._random.choice(lines).silence(up=up, down=down)

    def block(self) -> None:
        client = self._random.choice([*self._workers, *self._clients])
        server = self._random.choice(self._engines)
        self._network.block(client.name, server.name, self._weather.span(1, self.longest_absence_s))

    # ── Time and disk ────────────────────────────────────────────────────────────────────────────────────────────────

    def jump_clock(self) -> None:
        self._wall.jump(self._random.choice((-1, 1)) * self._weather.span(0.1, 3600))

    def store_away(self) -> None:
        self._weather.outage_until = self._loop.time() + self._weather.span(0.1, min(60.0, self.longest_absence_s))
