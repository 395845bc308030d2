"""One atomic unit on the connection that writes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from mulligan.core.facts import Changes, Claim, Facts, StepKey, Wanted
from mulligan.core.records import OpenState, OpenStep
from mulligan.errors import StoreConflict, StoreUnavailable
from mulligan.ports.store import News
from mulligan.stores.postgres.commit import write
from mulligan.stores.postgres.connections import Connections
from mulligan.stores.postgres.database import Address, translated
from mulligan.stores.postgres.load import Loader
from mulligan.stores.postgres.span_maker import let_all_into_rest
from mulligan.stores.postgres.statement import Connection
from mulligan.stores.postgres.wakeups import Wakeups


class PostgresTransaction:
    """``leave`` it in any case: what was not committed is undone."""

    def __init__(self, connections: Connections, address: Address, loader: Loader, wakeups: Wakeups) -> None:
        self._connections = connections
        self._address = address
        self._loader = loader
        self._wakeups = wakeups
        self._connection: Connection | None = None
        self._ready: set[StepKey] = set()

    async def load(self, wanted: Wanted) -> Facts:
        if not wanted:
            return Facts()
        with translated(self._address):
            facts = await self._loader.load(await self._begun(), wanted)
        self._ready.update(
            (step.run_id, step.step)
            for run in facts.runs.values()
            for step in run.open.values()
            if step.state is OpenState.READY
        )
        return facts

    async def commit(self, changes: Changes, claims: Sequence[Claim], now: datetime, token: str) -> list[OpenStep]:
        with translated(self._address):
            connection = await self._begun()
            try:
                written = await write(connection, changes, claims, now, token, self._ready)
            except asyncpg.CheckViolationError as error:
                # A run of a time that a span is just made for, or should have been by an engine that was killed: then
                # no span, rather than no run.
                await connection.execute("ROLLBACK")
                await let_all_into_rest(connection)
                raise StoreConflict(f"A partition was to be made of a time that is in use: {error}.") from error
            await connection.execute("COMMIT")
        self._connection = None
        self._remember(changes)
        self._wakeups.tell(News(changes.committed(written.leased), frozenset(written.left)))
        return written.leased

    async def leave(self) -> None:
        """Undo what was not committed. A connection that cannot even do that is thrown away."""
        connection, self._connection = self._connection, None
        if connection is None or connection.is_closed():
            return
        try:
            with translated(self._address):
                await connection.execute("ROLLBACK")
        except StoreUnavailable:
            connection.terminate()
        except BaseException:
            connection.terminate()
            raise

    async def _begun(self) -> Connection:
        if self._connection is None:
            connection = await self._connections.writer()
            # Kept before it has begun: whatever happens from here on, `leave` cleans up.
            self._connection = connection
            await connection.execute(self._connections.begin)
        return self._connection

    def _remember(self, changes: Changes) -> None:
        beginnings = self._loader.beginnings
        for run_id in changes.runs_changed:
            beginnings.forget(run_id)
        replays = {replay.run_id: replay for replay in changes.replays_added}
        for run, _ in changes.runs_added.values():
            beginnings.remember(run, replays.get(run.id))
