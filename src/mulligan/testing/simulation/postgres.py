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
from mulligan.stores.postgres.statement import Connection
from mulligan.stores.postgres.transaction import PostgresTransaction

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
        self._url = url
        self._aside = Aside()
        self._stores: list[StoreAside] = []
        self._connection: Connection = self._aside.run(asyncpg.connect(url))

    def open_store(self) -> Store:
        store = StoreAside(PostgresStore(self._url, OwnClock()), self._aside, self._until_gone)
        self._stores.append(store)
        return store.as_port()

    def close(self) -> None:
        """Engines that are still connected die."""
        for store in self._stores:
            store.kill()
        self._aside.run(self._connection.close())
        self._aside.close()

    async def _until_gone(self, pid: int) -> None:
        """Until the server has noticed that a session's client is dead, and has undone what it was about to do."""
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

    def __init__(
        self, inner: PostgresStore, aside: Aside, until_gone: Callable[[int], Coroutine[Any, Any, None]]
    ) -> None:
        self._inner = inner
        self._aside = aside
        self._until_gone = until_gone

    def as_port(self) -> Store:
        """This store, as the type that engines take: the questions are answered by ``__getattr__``."""
        return cast(Store, self)

    def listen(self, heard: Callable[[News | None], None]) -> None: ...

    async def close(self) -> None:
        self.kill()

    def kill(self) -> None:
        """As by SIGKILL of its process: no connection says goodbye."""
        self._aside.run(self._die())

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[TransactionAside]:
        entered = self._inner.transaction()
        transaction = self._aside.run(entered.__aenter__())
        try:
            yield TransactionAside(self._inner, transaction, self._aside)
        finally:
            self._aside.run(entered.__aexit__(None, None, None))

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)

        async def ask(*args: Any) -> Any:
            return self._aside.run(method(*args))

        return ask

    async def _die(self) -> None:
        connections = self._inner._connections
        for pool in (connections._sweeps, connections._questions):
            if pool is not None:
                pool.terminate()
        writer = connections._writer
        if writer is not None and not writer.is_closed():
            pid = writer.get_server_pid()
            writer.terminate()
            await self._until_gone(pid)


class TransactionAside:
    def __init__(self, store: PostgresStore, inner: PostgresTransaction, aside: Aside) -> None:
        self._store = store
        self._inner = inner
        self._aside = aside

    async def load(self, wanted: Wanted) -> Facts:
        return self._aside.run(self._inner.load(wanted))

    async def commit(self, changes: Changes, claims: Sequence[Claim], now: datetime, token: str) -> list[OpenStep]:
        return self._aside.run(self._inner.commit(changes, claims, now, token))

    async def break_off(self, changes: Changes, claims: Sequence[Claim], now: datetime, token: str) -> None:
        """Commit, and the connection breaks when all is written but COMMIT."""
        self._aside.run(self._commit_on(BeforeCommit, changes, claims, now, token))

    async def commit_unheard(
        self, changes: Changes, claims: Sequence[Claim], now: datetime, token: str
    ) -> list[OpenStep]:
        """Commit, and the connection breaks before the server's answer comes. Returns what the store did not hear."""
        self._aside.run(self._commit_on(AfterCommit, changes, claims, now, token))
        asked = dict.fromkeys(claim.worker_id for claim in claims)
        held = [step for worker_id in asked for step in self._aside.run(self._store.leases_of(worker_id))]
        return [step for step in held if step.token == token]

    async def _commit_on(
        self, broken: type[Broken], changes: Changes, claims: Sequence[Claim], now: datetime, token: str
    ) -> None:
        self._inner._connection = broken(await self._inner._begun())
        with suppress(StoreUnavailable):
            await self._inner.commit(changes, claims, now, token)
            raise AssertionError("the connection has not broken")


class Broken:
    """A connection that breaks at COMMIT."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def _break(self) -> None:
        self._connection.terminate()
        raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")


class BeforeCommit(Broken):
    async def execute(self, sql: str, *args: Any) -> str:
        if sql == "COMMIT":
            self._break()
        return cast(str, await self._connection.execute(sql, *args))


class AfterCommit(Broken):
    async def execute(self, sql: str, *args: Any) -> str:
        answer = cast(str, await self._connection.execute(sql, *args))
        if sql == "COMMIT":
            self._break()
        return answer
