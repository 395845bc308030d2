"""Servers, workers and clients on one database, with a network in between that can be disturbed."""

from __future__ import annotations

import asyncio
import random
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from chaos.books import Books, read_books
from chaos.disks import Disk, LimitedFiles
from chaos.ledgers import Effects, Line, Tail
from chaos.network import Proxy
from chaos.postgresql import PostgreSQL
from chaos.processes import PATIENCE_S, EndedByItself, Process, mulligan

TTL_S = 3.0
"""How long a silent worker keeps its steps here: short, so that a stopped worker loses them in every cycle."""
DRAIN_S = 120.0
SERVES, CONNECTED, AT_WORK = "the owner's token is in", "is connected", "at work"
"""What servers, workers and clients say once they are ready."""
LOAD = Path(__file__).with_name("load.py")


class Stuck(Exception):
    """Nothing has happened for much longer than any lease, timer and restart takes together."""


@dataclass(slots=True)
class Kill:
    """``at``: nanoseconds of the monotonic clock."""

    victim: str
    at: int


@dataclass(slots=True)
class Crew:
    """How many of each process there are, and how many things a client does at the same time."""

    servers: int = 1
    workers: int = 2
    clients: int = 1
    lanes: int = 10
    slots: int = 16


class Rig:
    """Made by ``running_rig``. What is killed is started anew with the same name and another number."""

    def __init__(self, folder: Path, crew: Crew, chance: random.Random, database: PostgreSQL | None) -> None:
        self.folder = folder
        self.chance = chance
        self.database = database
        self.disk: Disk = LimitedFiles()
        self.kills: list[Kill] = []
        self.stops = 0
        self.crashed: list[str] = []
        """What ended by itself, or did not leave in order: sentences."""
        self.stuck: list[str] = []
        self._crew = crew
        self._incarnations: dict[str, int] = {}
        self._tail = Tail(folder / "workers")
        self.data = folder / "data"
        self._ports = _free_ports(crew.servers)
        self.to_workers = Proxy(self._ports, random.Random(chance.random()))
        self.to_clients = Proxy(self._ports, random.Random(chance.random()))
        self.servers: list[Process] = []
        self.workers: list[Process] = []
        self.clients: list[Process] = []

    @property
    def processes(self) -> list[Process]:
        own = [] if self.database is None else [self.database.process]
        return [*self.servers, *self.workers, *self.clients, *own]

    # ── Beginning ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def begin(self) -> None:
        self.data.mkdir(mode=0o700, exist_ok=True)
        Effects(self.folder / "effects.db").create()
        if self.database is not None:
            await self.database.start()
        await self.to_workers.open()
        await self.to_clients.open()
        for index in range(self._crew.servers):
            self.servers.append(self._server(index))
            self.servers[-1].start()
            # one after the other: the first one makes the schema and the token
            await self.until_said(self.servers[-1], SERVES)
        self.workers = [self._worker(index) for index in range(self._crew.workers)]
        for worker in self.workers:
            worker.start()
        # a client may only ask for workflows that a worker has told the server of
        for worker in self.workers:
            await self.until_said(worker, CONNECTED)
        self.clients = [self._client(index) for index in range(self._crew.clients)]
        for client in self.clients:
            client.start()
        await self.until_begun(5)

    def _server(self, index: int) -> Process:
        own = self.data / f"server-{index}"
        own.mkdir(mode=0o700, exist_ok=True)
        database = f"sqlite:///{self.data / 'mulligan.db'}" if self.database is None else self.database.url
        environment = {"MULLIGAN_TTL": f"{TTL_S}s", "MULLIGAN_TOKEN_FILE": str(self.data / "token")}
        command = mulligan("server", "--port", str(self._ports[index]), "--data", str(own), "--database", database)
        return Process(f"server-{index}", command, self.folder, environment)

    def _worker(self, index: int) -> Process:
        name = self._name("worker", index)
        command = mulligan("worker", f"{LOAD}:m", "--slots", str(self._crew.slots), "--name", name)
        return Process(name, command, self.folder, self._environment(name, self.to_workers))

    def _client(self, index: int) -> Process:
        name = self._name("client", index)
        command = [sys.executable, "-m", "chaos.client", str(self.chance.randrange(2**32)), str(self._crew.lanes)]
        return Process(name, command, self.folder, self._environment(name, self.to_clients))

    def _name(self, kind: str, index: int) -> str:
        number = self._incarnations[f"{kind}-{index}"] = self._incarnations.get(f"{kind}-{index}", 0) + 1
        return f"{kind}-{index}.{number}"

    def _environment(self, name: str, way: Proxy) -> dict[str, str]:
        return {
            "MULLIGAN_URL": f"http://127.0.0.1:{way.port}",
            "MULLIGAN_TOKEN": (self.data / "token").read_text().strip(),
            "CHAOS_FOLDER": str(self.folder),
            "CHAOS_NAME": name,
        }

    # ── Killing, and starting anew ───────────────────────────────────────────────────────────────────────────────────

    def kill(self, victims: Iterable[Process]) -> None:
        for victim in victims:
            self.kills.append(Kill(victim.name, time.monotonic_ns()))
            victim.kill()

    @asynccontextmanager
    async def stopped(self, processes: Sequence[Process]) -> AsyncIterator[None]:
        """They do nothing for the time of the block, and do not know."""
        for process in processes:
            self.stops += 1
            process.send(signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                process.send(signal.SIGCONT)

    async def restart_server(self, index: int) -> None:
        self.servers[index].start()
        await self.until_said(self.servers[index], SERVES)

    def replace_worker(self, index: int) -> None:
        self.workers[index] = self._worker(index)
        self.workers[index].start()

    def replace_client(self, index: int) -> None:
        self.clients[index] = self._client(index)
        self.clients[index].start()

    # ── Waiting ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def until_said(self, process: Process, words: str) -> None:
        """Return once the process has said that. Raises ``Stuck`` and ``EndedByItself``."""
        limit = time.monotonic() + PATIENCE_S
        while not process.has_said(words):
            process.check()
            if time.monotonic() > limit:
                raise Stuck(f"{process.name} never said {words!r}:\n{process.last_words()}")
            await asyncio.sleep(0.02)

    async def until_begun(self, steps: int, since: int | None = None) -> Line:
        """Return once so many more steps have begun since an instant (now): the line of the last one.

        Raises ``Stuck`` and ``EndedByItself``.
        """
        since = time.monotonic_ns() if since is None else since
        limit = time.monotonic() + PATIENCE_S
        while True:
            for line in self._tail.new_lines():
                steps -= line["what"] == "start" and line["at"] > since
                if steps <= 0:
                    return line
            for process in self.processes:
                process.check()
            if time.monotonic() > limit:
                raise Stuck(f"no step has begun for {PATIENCE_S:.0f} s")
            await asyncio.sleep(0.01)

    # ── Ending ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def end(self) -> Books:
        """Let clients finish what they have begun, wait for every run to end, send all home, and read the database."""
        for client in self.clients:
            await self._until_it_hears_signals(client, AT_WORK)
            if client.alive:
                client.send(signal.SIGTERM)
        for worker in self.workers:
            await self._until_it_hears_signals(worker, CONNECTED)
        books = await self._all_ended()
        for process in [*self.clients, *self.workers, *self.servers]:
            try:
                if process in self.clients:
                    await asyncio.to_thread(process.left)
                else:
                    await asyncio.to_thread(process.terminate)
            except EndedByItself as error:
                self.crashed.append(str(error))
        return books if books.running else await self.read()

    async def _until_it_hears_signals(self, process: Process, words: str) -> None:
        """Who has only just been started does not know yet how to leave."""
        try:
            await self.until_said(process, words)
        except EndedByItself as error:
            self.crashed.append(str(error))
        except Stuck as error:
            self.stuck.append(str(error))

    async def _all_ended(self) -> Books:
        """The database once nothing runs and no client waits any more, or as it is when patience is over."""
        limit = time.monotonic() + DRAIN_S
        while True:
            await asyncio.sleep(0.5)
            if not any(client.alive for client in self.clients) or time.monotonic() > limit:
                books = await self.read()
                if not books.running or time.monotonic() > limit:
                    return books

    @property
    def where(self) -> Path | str:
        """The database, to be read past the engine."""
        return self.data / "mulligan.db" if self.database is None else self.database.url

    async def read(self) -> Books:
        return await read_books(self.where)

    async def close(self) -> None:
        for process in self.processes:
            process.bury()
        await self.to_workers.close()
        await self.to_clients.close()


@asynccontextmanager
async def running_rig(folder: Path, crew: Crew, chance: random.Random, postgresql: bool) -> AsyncIterator[Rig]:
    """Everything runs, and clients are busy. Whatever happens in the block, no process outlives it."""
    database = PostgreSQL(folder / "postgresql") if postgresql else None
    rig = Rig(folder, crew, chance, database)
    try:
        await rig.begin()
        yield rig
    finally:
        await rig.close()


def _free_ports(number: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
