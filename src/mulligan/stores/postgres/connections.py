"""The connections of one engine: one that writes, and two small pools that only read. All heal by themselves."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from mulligan.stores.postgres.database import Address, check_server, connect, migrate, prepare, translated
from mulligan.stores.postgres.statement import Connection

TRANSACTION_SETTINGS = {
    # An engine that has been stopped amid a transaction lets go of its locks before others give up waiting for them.
    "idle_in_transaction_session_timeout": "4s",
    "lock_timeout": "8s",
    # All statements go by keys and arrays: one plan is right for tables of any size, and it must not be one that is
    # right only for those that were empty when the planner looked.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_nestloop": "off",
    "enable_mergejoin": "off",
    # Nor one that reads all of an index for the ids of one turn, which is no dearer while a partition is new and small.
    "cpu_index_tuple_cost": "1",
    # What is switched off looks costly where there is no other way, and the database would compile it each time.
    "jit": "off",
}

READING_SETTINGS = {
    # What people ask for is planned each time, for the values that they ask for.
    "plan_cache_mode": "force_custom_plan",
    "jit": "off",
}

SWEEPS = 2
QUESTIONS = 3

LONGEST_SWEEP_S = 10
LONGEST_QUESTION_S = 15
"""Longer than any list or chart should take; a question that takes longer is given up."""

log = logging.getLogger("mulligan.stores")


class Connections:
    """``open`` it, use it, ``close`` it. Who finds a connection broken gets StoreUnavailable, the next a new one."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._writer: Connection | None = None
        self._sweeps: Any = None
        self._questions: Any = None

    async def open(self) -> None:
        with translated(self._address):
            self._writer = await connect(self._address, TRANSACTION_SETTINGS)
            try:
                server = await check_server(self._writer, self._address)
                for name in server.unsafe:
                    log.warning(
                        "%s has %s off: what was acknowledged may be lost when its machine fails",
                        self._address.shown,
                        name,
                    )
                await migrate(self._writer, self._address)
                # The engine's own questions never queue behind somebody's long search.
                self._sweeps = await self._pool(SWEEPS, LONGEST_SWEEP_S)
                self._questions = await self._pool(QUESTIONS, LONGEST_QUESTION_S)
            except BaseException:
                await self.close()
                raise

    async def close(self) -> None:
        pools, self._sweeps, self._questions = (self._sweeps, self._questions), None, None
        for pool in pools:
            if pool is not None:
                await pool.close()
        writer, self._writer = self._writer, None
        if writer is not None and not writer.is_closed():
            await writer.close()

    async def writer(self) -> Connection:
        """The connection for transactions, of which there is one at a time."""
        if self._writer is None or self._writer.is_closed():
            self._writer = await connect(self._address, TRANSACTION_SETTINGS)
        return self._writer

    @property
    def begin(self) -> str:
        """How a transaction begins on the connection that writes."""
        if not self._address.pooled:
            return "BEGIN"
        return "; ".join(["BEGIN", *(f"SET LOCAL {name} = '{value}'" for name, value in TRANSACTION_SETTINGS.items())])

    def sweep(self, *, snapshot: bool = False) -> Any:
        return self._reading(self._sweeps, snapshot)

    def question(self, *, snapshot: bool = False) -> Any:
        return self._reading(self._questions, snapshot)

    async def _pool(self, size: int, longest_s: float) -> Any:
        return await asyncpg.create_pool(
            self._address.dsn,
            min_size=1,
            max_size=size,
            init=prepare,
            reset=leave_as_it_is,
            command_timeout=longest_s,
            **self._address.options(READING_SETTINGS),
        )

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Connection]:
        """A transaction beside those of the engine's cycle."""
        with translated(self._address):
            async with self._sweeps.acquire(timeout=LONGEST_SWEEP_S) as connection, connection.transaction():
                yield connection

    @asynccontextmanager
    async def apart(self) -> AsyncIterator[Connection]:
        """A connection of its own, for what takes long: those of the pools are soon waited for."""
        with translated(self._address):
            connection = await connect(self._address, READING_SETTINGS)
            try:
                yield connection
                await connection.close()
            finally:
                connection.terminate()

    @asynccontextmanager
    async def _reading(self, pool: Any, snapshot: bool) -> AsyncIterator[Connection]:
        """A connection to ask. ``snapshot``: several questions to one state."""
        with translated(self._address):
            async with pool.acquire(timeout=LONGEST_QUESTION_S) as connection:
                if snapshot:
                    async with connection.transaction(isolation="repeatable_read", readonly=True):
                        yield connection
                elif self._address.pooled:
                    # Between two messages of one statement the pooler could hand us on to another server process.
                    async with connection.transaction(readonly=True):
                        yield connection
                else:
                    yield connection


async def leave_as_it_is(connection: Connection) -> None:
    """Readers leave nothing behind, so that nothing has to be reset: it would be a round trip for every question."""
