"""What a run with one step costs a database: counted, not timed. Each row and each statement is paid for by every task.

The figures are those of `docs/why/0001-one-hot-row-per-open-step.md`; a change that adds to them has to say why.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import asyncpg
import pytest

from mulligan.app.system import SystemClock
from mulligan.core.facts import Changes
from mulligan.core.records import OpenStep
from mulligan.ports.store import Store
from mulligan.stores.postgres import PostgresStore
from mulligan.stores.sqlite import SqliteStore
from mulligan.testing.exercise_store.talk import claim, commit, know
from mulligan.testing.factories import changes, make_attempt, make_open_step, make_run

CHANGES = ("INSERT", "UPDATE", "DELETE")


@dataclass(slots=True)
class Cost:
    statements: int = 0
    rows: int = 0


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(tmp_path / "mulligan.db")
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def postgres(postgres_url: str) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(postgres_url, SystemClock())
    await store.open()
    yield store
    await store.close()


async def cost_in_sqlite(store: SqliteStore, work: Callable[[], Awaitable[object]]) -> Cost:
    cost = Cost()

    def count(cursor: apsw.Cursor, sql: str, values: object) -> bool:
        cost.statements += 1
        return True

    def begin(connection: apsw.Connection) -> None:
        connection.exec_trace = count
        cost.rows -= connection.total_changes()

    def end(connection: apsw.Connection) -> None:
        connection.exec_trace = None
        cost.rows += connection.total_changes()

    await store._writer.call(begin)
    await work()
    await store._writer.call(end)
    return cost


@contextmanager
def counted_in_postgres(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cost]:
    cost = Cost()
    with monkeypatch.context() as patch:
        for method in ("execute", "fetch"):
            original = getattr(asyncpg.Connection, method)

            async def spy(connection: Any, sql: str, *values: Any, original: Any = original, **options: Any) -> Any:
                answer = await original(connection, sql, *values, **options)
                cost.statements += 1
                if isinstance(answer, str) and answer.startswith(CHANGES):
                    cost.rows += int(answer.rpartition(" ")[2])
                return answer

            patch.setattr(asyncpg.Connection, method, spy)
        yield cost


async def taken_at_once(store: Store, count: int) -> None:
    """Two transactions: the runs come while a worker waits for them, and they end."""
    runs = [make_run() for _ in range(count)]
    leased = await commit(store, changes(*runs, opened=tuple(map(make_open_step, runs))), [claim(slots=count)])
    assert len(leased) == count
    await commit(store, ended(leased))


async def queued_first(store: Store, count: int) -> None:
    """Three: nobody was free when they came."""
    runs = [make_run() for _ in range(count)]
    await commit(store, changes(*runs, opened=tuple(map(make_open_step, runs))))
    leased = await commit(store, Changes(), [claim(slots=count)])
    assert len(leased) == count
    await commit(store, ended(leased))


def ended(leased: list[OpenStep]) -> Changes:
    runs = [make_run(id=step.run_id) for step in leased]
    return changes(
        closed=tuple(leased),
        attempts_added=[(make_attempt(run), b'"done"') for run in runs],
        runs_changed={run.id: run for run in runs},
    )


WAYS = [
    # run, open step, open step gone, attempt, end of the run
    pytest.param(taken_at_once, 5, id="taken_at_once"),
    # … and the lease
    pytest.param(queued_first, 6, id="queued_first"),
]


@pytest.mark.parametrize(("way", "rows"), WAYS)
async def test_row_writes_per_run_in_sqlite(sqlite: SqliteStore, way: Any, rows: int) -> None:
    await know(sqlite)
    for count in (1, 100):
        cost = await cost_in_sqlite(sqlite, partial(way, sqlite, count))
        assert cost.rows == rows * count


@pytest.mark.parametrize(("way", "rows"), WAYS)
async def test_row_writes_per_run_in_postgres(
    postgres: PostgresStore, monkeypatch: pytest.MonkeyPatch, way: Any, rows: int
) -> None:
    await know(postgres)
    for count in (1, 100):
        with counted_in_postgres(monkeypatch) as cost:
            await way(postgres, count)
        assert cost.rows == rows * count


async def test_statements_per_run_in_sqlite_are_its_row_writes(sqlite: SqliteStore) -> None:
    """A prepared statement per row costs SQLite no trip anywhere; all else is paid once per transaction."""
    await know(sqlite)
    one = await cost_in_sqlite(sqlite, partial(taken_at_once, sqlite, 1))
    many = await cost_in_sqlite(sqlite, partial(taken_at_once, sqlite, 100))
    assert many.statements - one.statements == 99 * 5
    assert one.statements == 5 + 5  # begin and commit twice, and the routes with ready steps


async def test_statements_in_postgres_do_not_grow_with_the_runs(
    postgres: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await know(postgres)
    for count in (1, 100):
        with counted_in_postgres(monkeypatch) as cost:
            await taken_at_once(postgres, count)
        # begin, candidates, runs, open steps, commit; begin, runs, open steps, attempts, commit
        assert cost.statements == 10
