"""A real PostgreSQL under simulated engines. The world stands still while the database works, so that its speed is no
chance; what happens to a connection really happens to it, and whoever dies is dead for the server, too.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from mulligan.app.system import SystemClock
from mulligan.core.facts import Changes, Claim, Facts, Wanted
from mulligan.core.records import OpenStep
from mulligan.errors import StoreUnavailable
from mulligan.ports.store import News, Store
from mulligan.stores.postgres import PostgresStore
from mulligan.stores.postgres.load import leased_steps
from mulligan.stores.postgres.statement import Connection
from mulligan.stores.postgres.transaction import PostgresTransaction
from mulligan.testing.simulation.disk import Arrival

T = TypeVar("T")

LONGEST_S = 60.0

DATABASE = "mulligan_simulation"
CREATE = "CREATE DATABASE mulligan_simulation ENCODING 'UTF8' TEMPLATE template0"
DROP = "DROP DATABASE IF EXISTS mulligan_simulation WITH (FORCE)"


class Aside:
    """An ordinary loop in a thread of its own, for sockets. ``close`` it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="aside", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Carry it out there. Whoever asks does nothing else meanwhile."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(LONGEST_S)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class OwnClock(SystemClock):
    """Goes by nobody: the database's clock tells another time than the simulated world's."""

    def correct(self, by: timedelta) -> None:
        pass


class PostgresDisk:
    """A database for simulated engines. ``open_store`` as often as one of them starts; ``close`` it after them."""

    def __init__(self, url: str) -> None:
        self.aside = Aside()
        self.adrift: list[Connection] = []
        """Connections that no engine uses any more, on which a COMMIT is still on its way."""
        self._url = url
        self._stores: list[StoreAside] = []
        self._connection: Connection = self.aside.run(asyncpg.connect(url))

    def open_store(self) -> Store:
        store = StoreAside(self, PostgresStore(self._url, OwnClock()))
        self._stores.append(store)
        return store.as_port()

    def kill_all(self) -> None:
        """All engines that are still connected die."""
        for store in self._stores:
            store.kill()
        self._stores.clear()
        while self.adrift:
            self.aside.run(self.abandon(self.adrift.pop()))

    def close(self) -> None:
        self.kill_all()
        self.aside.run(self._connection.close())
        self.aside.close()

    async def abandon(self, connection: Connection) -> None:
        """Break it, and wait until the server has noticed, and has undone what was about to be done on it."""
        pid = connection.get_server_pid()
        connection.terminate()
        while await self._connection.fetchval("SELECT pid FROM pg_stat_activity WHERE pid = $1", pid) is not None:
            pass


@contextmanager
def own_database(server: str) -> Iterator[PostgresDisk]:
    """A new database on the server with this URL, dropped at the end. There is one at a time."""
    asyncio.run(tell(server, DROP, CREATE))
    try:
        with closing(PostgresDisk(urlunsplit(urlsplit(server)._replace(path=f"/{DATABASE}")))) as disk:
            yield disk
    finally:
        asyncio.run(tell(server, DROP))


async def tell(server: str, *statements: str) -> None:
    connection = await asyncpg.connect(server)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


class StoreAside:
    """``PostgresStore`` for one life of a simulated engine. News of other engines stays unheard: sweeps find it."""

    capabilities = PostgresStore.capabilities

    def __init__(self, disk: PostgresDisk, inner: PostgresStore) -> None:
        self._disk = disk
        self._inner = inner

    def as_port(self) -> Store:
        """This store, as the type that engines take: the questions are answered by ``__getattr__``."""
        return cast(Store, self)

    def listen(self, heard: Callable[[News | None], None]) -> None: ...

    async def close(self) -> None:
        self.kill()

    def kill(self) -> None:
        """As by SIGKILL of its process: no connection says goodbye."""
        self._disk.aside.run(self._die())

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[TransactionAside]:
        entered = self._inner.transaction()
        transaction = self._disk.aside.run(entered.__aenter__())
        try:
            yield TransactionAside(self._disk, self._inner, transaction)
        finally:
            self._disk.aside.run(entered.__aexit__(None, None, None))

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)

        async def ask(*args: Any) -> Any:
            return self._disk.aside.run(method(*args))

        return ask

    async def _die(self) -> None:
        connections = self._inner._connections
        for pool in (connections._sweeps, connections._questions):
            if pool is not None:
                pool.terminate()
        writer = connections._writer
        if writer is not None and not writer.is_closed():
            await self._disk.abandon(writer)


class TransactionAside:
    def __init__(self, disk: PostgresDisk, store: PostgresStore, inner: PostgresTransaction) -> None:
        self._disk = disk
        self._store = store
        self._inner = inner

    async def load(self, wanted: Wanted) -> Facts:
        return self._disk.aside.run(self._inner.load(wanted))

    async def commit(self, changes: Changes, claims: Sequence[Claim], now: datetime, token: str) -> list[OpenStep]:
        return self._disk.aside.run(self._inner.commit(changes, claims, now, token))

    async def break_off(self, changes: Changes, claims: Sequence[Claim], now: datetime, token: str) -> None:
        connection = self._disk.aside.run(self._break(changes, claims, now, token))
        self._disk.aside.run(self._disk.abandon(connection))

    async def send_off(self, changes: Changes, claims: Sequence[Claim], now: datetime, token: str) -> Arrival:
        connection = self._disk.aside.run(self._break(changes, claims, now, token))
        self._disk.adrift.append(connection)

        async def arrive() -> list[OpenStep]:
            self._disk.adrift.remove(connection)
            return self._disk.aside.run(commit_on(connection, claims, token))

        return arrive

    async def _break(self, changes: Changes, claims: Sequence[Claim], now: datetime, token: str) -> Connection:
        """Let the store commit on a connection that breaks; returns what it was in truth, before COMMIT."""
        connection = await self._inner._begun()
        # The server would give it up by real time; the world's may go slower.
        await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        self._inner._connection = self._store._connections._writer = Breaking(connection)
        with suppress(StoreUnavailable):
            await self._inner.commit(changes, claims, now, token)
            raise AssertionError("the connection has not broken")
        return connection


class Breaking:
    """A connection as the store sees it: it breaks at COMMIT."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._is_broken = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def is_closed(self) -> bool:
        return self._is_broken or self._connection.is_closed()

    async def execute(self, sql: str, *args: Any) -> str:
        if sql == "COMMIT":
            self._is_broken = True
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
        return cast(str, await self._connection.execute(sql, *args))


async def commit_on(connection: Connection, claims: Sequence[Claim], token: str) -> list[OpenStep]:
    """Returns what the store would have been told: the steps that were leased."""
    held = await leased_steps(connection, [claim.worker_id for claim in claims])
    await connection.execute("COMMIT")
    connection.terminate()
    return [step for step in held if step.token == token]
