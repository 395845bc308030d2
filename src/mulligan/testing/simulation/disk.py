"""The disk: what survives when an engine dies, and a store on it that fails in every way a store can fail."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any, NoReturn, Protocol, cast, runtime_checkable

from mulligan.core.facts import Changes, Claim, Facts, Wanted
from mulligan.core.records import OpenStep
from mulligan.errors import StoreUnavailable
from mulligan.ports.store import Capabilities, Store, Transaction
from mulligan.stores.memory import MemoryStore
from mulligan.stores.memory.tables import Tables
from mulligan.testing.simulation.loop import Process, SimulatedLoop


class Fate(StrEnum):
    """What becomes of one commit."""

    FINE = "fine"
    REFUSED = "refused"
    REPLY_LOST = "committed, but the reply is lost"
    LATE = "committed, but only after the engine was told that its connection broke"
    CRASH_BEFORE = "the engine dies before it"
    CRASH_AFTER = "committed, then the engine dies before it knows"


@dataclass(frozen=True, slots=True)
class Commit:
    """One transaction as it was written: what the auditor looks at."""

    number: int
    by: str
    at: float
    changes: Changes
    claims: Sequence[Claim]
    now: datetime
    token: str
    leased: list[OpenStep]


class Faults(Protocol):
    """Decides what goes wrong with a store."""

    def fate_of_commit(self, number: int) -> Fate: ...

    def commit_takes_s(self) -> float: ...

    def read_takes_s(self, question: str) -> float: ...

    def read_fails(self) -> bool: ...

    def store_is_down(self) -> bool: ...


class Watcher(Protocol):
    """Is told what was written, in the same breath."""

    def committed(self, commit: Commit) -> None: ...

    def may_be_pruned(self, before: datetime) -> list[str]:
        """Ids of the runs that could be deleted now."""
        ...

    def pruned(self, run_ids: list[str], before: datetime) -> None: ...


Sent = tuple[Changes, Sequence[Claim], datetime, str]
"""What a transaction commits: changes, claims, now and the token of its leases."""

Arrival = Callable[[], Coroutine[Any, Any, list[OpenStep]]]
"""What a COMMIT does when it arrives, after whoever has sent it has given up: it is made, and steps are leased."""

LATE_S = 1.0
"""Longer than an engine waits before it looks what became of a commit."""


@runtime_checkable
class Breakable(Protocol):
    """A transaction on a connection that can really break: the store commits, and sees that it has broken."""

    async def break_off(self, changes: Changes, claims: Sequence[Claim], now: datetime, token: str) -> None:
        """Everything was written, but COMMIT never arrives."""
        ...

    async def send_off(self, changes: Changes, claims: Sequence[Claim], now: datetime, token: str) -> Arrival:
        """COMMIT arrives when the arrival is called."""
        ...


def memory_disk() -> Callable[[], Store]:
    """A store in memory that can be opened again: what was committed is still there, as with a file."""
    tables = Tables()

    def open_again() -> Store:
        store = MemoryStore()
        store.tables = tables
        return store

    return open_again


class Disk:
    """One database. ``mount`` gives a process its own connection to it; a dead process lets go of its transaction.

    ``shared``: several engines may have it open at once, as with a database server; then transactions are serialized.
    """

    def __init__(
        self,
        loop: SimulatedLoop,
        open_store: Callable[[], Store],
        faults: Faults,
        watcher: Watcher,
        *,
        shared: bool = False,
    ) -> None:
        self.loop = loop
        self.open_store = open_store
        self.faults = faults
        self.watcher = watcher
        self.shared = shared
        self.commits = 0
        self._holder: Process | None = None
        self._waiting: deque[asyncio.Future[None]] = deque()

    def mount(self, process: Process) -> MountedStore:
        mounted = MountedStore(self, process, self.open_store())
        process.at_death(lambda: self._let_go(process, mounted))
        return mounted

    async def acquire(self, process: Process) -> None:
        while self._holder is not None:
            turn: asyncio.Future[None] = self.loop.create_future()
            self._waiting.append(turn)
            await turn
        self._holder = process

    def release(self, process: Process) -> None:
        if self._holder is process:
            self._holder = None
            waiting, self._waiting = self._waiting, deque()
            for turn in waiting:
                if not turn.done():
                    turn.set_result(None)

    def hold_for(self, seconds: float, arrive: Callable[[], object]) -> None:
        """No other transaction until then, whoever dies meanwhile: this one is still on its way."""
        on_its_way = self._holder = Process("on its way", self.loop)

        def end() -> None:
            arrive()
            self.release(on_its_way)

        on_its_way.call_at(self.loop.time() + seconds, end)

    def _let_go(self, process: Process, mounted: MountedStore) -> None:
        self.release(process)
        mounted.abandon()


class MountedStore:
    """A ``Store`` for one life of one engine."""

    def __init__(self, disk: Disk, process: Process, inner: Store) -> None:
        self._disk = disk
        self._process = process
        self._inner = inner
        self._is_open = False
        theirs = inner.capabilities
        self.capabilities = Capabilities(theirs.name, theirs.exclusive and not disk.shared, theirs.durable)

    def as_port(self) -> Store:
        """This store, as the type that engines take: the questions are answered by ``__getattr__``."""
        return cast(Store, self)

    async def open(self) -> None:
        self._refuse_if_down()
        self._disk.loop.complete(self._inner.open())
        self._is_open = True

    async def close(self) -> None:
        self.abandon()

    def abandon(self) -> None:
        """The process is gone: its locks and connections go with it."""
        if self._is_open:
            self._is_open = False
            self._disk.loop.complete(self._inner.close())

    def listen(self, heard: Callable[[Any], None]) -> None:
        """Engines that share a disk hear nothing of each other: what a notification says has to be found by sweeps."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[MountedTransaction]:
        self._refuse_if_down()
        await self._disk.acquire(self._process)
        try:
            async with self._inner.transaction() as transaction:
                yield MountedTransaction(self._disk, self._process, transaction)
        finally:
            self._disk.release(self._process)

    async def prune(self, before: datetime, limit: int) -> int:
        await self._wait("prune")
        watcher = self._disk.watcher
        await self._disk.acquire(self._process)
        try:
            count = self._disk.loop.complete(self._inner.prune(before, limit))
            if count:
                candidates = watcher.may_be_pruned(before)
                left = self._disk.loop.complete(self._inner.facts(candidates))
                watcher.pruned([run_id for run_id in candidates if run_id not in left], before)
        finally:
            self._disk.release(self._process)
        return count

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)

        async def ask(*args: Any) -> Any:
            await self._wait(name)
            return self._disk.loop.complete(method(*args))

        return ask

    async def _wait(self, question: str) -> None:
        self._refuse_if_down()
        seconds = self._disk.faults.read_takes_s(question)
        if seconds:
            await asyncio.sleep(seconds)
            self._refuse_if_down()
        if self._disk.faults.read_fails():
            raise StoreUnavailable("The connection to the database broke.")

    def _refuse_if_down(self) -> None:
        if self._disk.faults.store_is_down():
            raise StoreUnavailable("The database cannot be reached.")


class MountedTransaction:
    def __init__(self, disk: Disk, process: Process, inner: Transaction) -> None:
        self._disk = disk
        self._process = process
        self._inner = inner

    async def load(self, wanted: Wanted) -> Facts:
        seconds = self._disk.faults.read_takes_s("load")
        if seconds:
            await asyncio.sleep(seconds)
        return self._disk.loop.complete(self._inner.load(wanted))

    async def commit(self, changes: Changes, claims: Sequence[Claim], now: datetime, token: str) -> list[OpenStep]:
        disk = self._disk
        seconds = disk.faults.commit_takes_s()
        if seconds:
            await asyncio.sleep(seconds)
        disk.commits += 1
        fate = disk.faults.fate_of_commit(disk.commits)
        if disk.faults.store_is_down():
            raise StoreUnavailable("The database cannot be reached.")
        sent = (changes, claims, now, token)
        if fate in (Fate.REFUSED, Fate.CRASH_BEFORE):
            await self._break_off(fate, sent)
        if fate in (Fate.REPLY_LOST, Fate.LATE):
            self._lose_reply(fate, sent)
        leased = self._arrive(disk.commits, partial(self._inner.commit, *sent), sent)
        if fate is Fate.CRASH_AFTER:
            await self._die()
        return leased

    async def _break_off(self, fate: Fate, sent: Sent) -> NoReturn:
        if isinstance(self._inner, Breakable):
            self._disk.loop.complete(self._inner.break_off(*sent))
        if fate is Fate.CRASH_BEFORE:
            await self._die()
        raise StoreUnavailable("The database is full.")

    def _lose_reply(self, fate: Fate, sent: Sent) -> NoReturn:
        disk, may_be_late = self._disk, self._disk.shared
        arrival: Arrival = partial(self._inner.commit, *sent)
        if isinstance(self._inner, Breakable):
            arrival, may_be_late = disk.loop.complete(self._inner.send_off(*sent)), True
        arrive = partial(self._arrive, disk.commits, arrival, sent)
        if fate is Fate.LATE and may_be_late:
            disk.hold_for(LATE_S, arrive)
        else:
            arrive()
        raise StoreUnavailable("The connection to the database broke; the outcome is unknown.")

    def _arrive(self, number: int, arrival: Arrival, sent: Sent) -> list[OpenStep]:
        leased = self._disk.loop.complete(arrival())
        at = self._disk.loop.time()
        self._disk.watcher.committed(Commit(number, repr(self._process), at, *sent, leased))
        return leased

    async def _die(self) -> None:
        self._process.kill()
        await self._disk.loop.create_future()
