"""The one thread that writes: it owns the write connection and carries out jobs in the order they were given.

Statements run here row by row (``executemany``), which is the fastest in a process whose other threads are busy with
Python: see ``docs/why``. Checkpoints happen after a job was answered, and the log is cut off when nothing is to do.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import apsw

from mulligan.stores.sqlite.database import connect_writer, translated

T = TypeVar("T")

CHECKPOINT_PAGES = 4_000
"""16 MiB of log: large enough that pages which change often are copied once for many commits."""

IDLE_S = 1.0

log = logging.getLogger("mulligan.stores")


class Writer:
    """``start`` it, ``call`` it, ``stop`` it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="mulligan-sqlite-writer", daemon=True)
        self._connection: apsw.Connection | None = None
        self._pages = 0

    async def start(self) -> None:
        self._thread.start()
        await self._submit(self._connect)

    async def call(self, job: Callable[[apsw.Connection], T]) -> T:
        """Carry out ``job`` on the write connection. Errors of SQLite arrive in the words of the port."""
        connection = self._connection
        assert connection is not None, "the store is not open"

        def translate() -> T:
            with translated(self._path):
                return job(connection)

        return await self._submit(translate)

    async def stop(self) -> None:
        """Finish the jobs, close the connection (which moves the whole log into the database), end the thread."""
        if self._thread.is_alive():
            await self._submit(self._disconnect)
            self._jobs.put(None)

    async def _submit(self, job: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def carry_out() -> None:
            result: Any = None
            failure: BaseException | None = None
            try:
                result = job()
            except BaseException as error:  # noqa: BLE001 (it is raised again by whoever awaits the future)
                failure = error
            # A loop that was closed has nobody left who waits.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, future, result, failure)

        self._jobs.put(carry_out)
        return await future

    # on the thread

    def _work(self) -> None:
        while (job := self._next_job()) is not None:
            job()
            if self._pages >= CHECKPOINT_PAGES:
                self._checkpoint(apsw.SQLITE_CHECKPOINT_PASSIVE)

    def _next_job(self) -> Callable[[], None] | None:
        while True:
            try:
                return self._jobs.get(timeout=IDLE_S if self._pages else None)
            except Empty:
                self._checkpoint(apsw.SQLITE_CHECKPOINT_TRUNCATE)

    def _checkpoint(self, mode: int) -> None:
        """Never fails anybody: what was committed is safe in the log, and the next checkpoint tries again.

        While somebody reads an old state, that is after a moment of idleness; after an error, when more was written.
        """
        connection = self._connection
        if connection is None:
            return
        connection.set_busy_timeout(0)
        try:
            connection.wal_checkpoint(mode=mode)
            self._pages = 0
        except apsw.BusyError:
            pass  # somebody reads an old state: the log stays as long as it is
        except apsw.Error as error:
            self._pages = 0
            log.warning("the write-ahead log could not be moved into the database", exc_info=error)
        finally:
            connection.set_busy_timeout(5_000)

    def _connect(self) -> None:
        with translated(self._path):
            self._connection = connect_writer(self._path)
        self._connection.set_wal_hook(self._note_pages)

    def _note_pages(self, _connection: apsw.Connection, _database: str, pages: int) -> int:
        self._pages = pages
        return apsw.SQLITE_OK

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        self._pages = 0
        if connection is not None:
            connection.close()


def settle(future: asyncio.Future[Any], result: Any, failure: BaseException | None) -> None:
    """Give a future its result, unless whoever awaited it has been cancelled."""
    if future.done():
        return
    if failure is None:
        future.set_result(result)
    else:
        future.set_exception(failure)
