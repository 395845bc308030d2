from collections.abc import Callable
from itertools import count
from pathlib import Path

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from mulligan.app.system import SystemClock
from mulligan.ports.store import Store
from mulligan.stores.postgres import PostgresStore
from mulligan.stores.sqlite import SqliteStore
from tests.stores.lock_step import LockStep


def compare(make_other: Callable[[], Store], examples: int) -> None:
    class Machine(LockStep):
        def __init__(self) -> None:
            super().__init__(make_other())

    run_state_machine_as_test(Machine, settings=settings(max_examples=examples, stateful_step_count=25, deadline=None))


def test_sqlite_answers_as_memory_does(tmp_path: Path) -> None:
    numbers = count()
    compare(lambda: SqliteStore(tmp_path / f"{next(numbers)}.db"), examples=20)


def test_postgres_answers_as_memory_does(postgres_database: str, empty_postgres: Callable[[], None]) -> None:
    def make() -> Store:
        empty_postgres()
        return PostgresStore(postgres_database, SystemClock())

    compare(make, examples=10)
