"""Threads that only read. Each has a connection of its own, which sees what was committed when its question began."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import apsw

from mulligan.stores.sqlite.database import connect_reader, translated

T = TypeVar("T")


class Readers:
    """A few threads that answer questions, connected when their first question comes."""

    def __init__(self, path: Path, threads: int, name: str) -> None:
        self._path = path
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=f"mulligan-sqlite-{name}")
        self._own = threading.local()
        self._connections: list[apsw.Connection] = []

    async def call(self, question: Callable[[apsw.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._answer, question)

    async def close(self) -> None:
        """Let the questions that are being answered end; those after them are refused."""
        await asyncio.to_thread(self._pool.shutdown)
        for connection in self._connections:
            connection.close()

    def _answer(self, question: Callable[[apsw.Connection], T]) -> T:
        with translated(self._path):
            connection: apsw.Connection | None = getattr(self._own, "connection", None)
            if connection is None:
                connection = self._own.connection = connect_reader(self._path)
                self._connections.append(connection)
            return question(connection)
