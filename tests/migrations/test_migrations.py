"""The schema's changes: whichever way a database has come, it ends up the same, and keeps its data."""

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from mulligan.errors import StoreUnavailable
from mulligan.stores.migrations import Migration, pending, read_migrations
from mulligan.stores.sqlite import SqliteStore, database
from mulligan.testing.exercise_store.talk import ids, know, queue
from mulligan.testing.factories import make_run

KNOWN = read_migrations("mulligan.stores.sqlite")
NEXT = Migration(
    len(KNOWN) + 1, "nickname", "ALTER TABLE runs ADD COLUMN nickname TEXT; CREATE TABLE extra (a TEXT) STRICT;"
)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[apsw.Connection]:
    connection = apsw.Connection(str(tmp_path / "mulligan.db"))
    yield connection
    connection.close()


def know_only(monkeypatch: pytest.MonkeyPatch, migrations: list[Migration]) -> None:
    monkeypatch.setattr(database, "read_migrations", lambda package: migrations)


def schema(connection: apsw.Connection) -> list[object]:
    tables = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name").fetchall()
    return [tables, connection.pragma("application_id"), connection.execute("SELECT * FROM migrations").fetchall()]


def test_a_fresh_database_and_one_that_was_migrated_step_by_step_are_equal(
    tmp_path: Path, connection: apsw.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for count in range(1, len(KNOWN) + 1):
        know_only(monkeypatch, KNOWN[:count])
        database.migrate(connection, tmp_path)
    fresh = apsw.Connection(str(tmp_path / "fresh.db"))
    database.migrate(fresh, tmp_path)
    assert schema(fresh) == schema(connection)
    fresh.close()


def test_migrating_again_changes_nothing(tmp_path: Path, connection: apsw.Connection) -> None:
    database.migrate(connection, tmp_path)
    before = schema(connection)
    database.migrate(connection, tmp_path)
    assert schema(connection) == before


async def test_data_of_an_older_schema_survives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SqliteStore(tmp_path / "mulligan.db")
    await store.open()
    await know(store)
    await queue(store, run := make_run())
    await store.close()
    know_only(monkeypatch, [*KNOWN, NEXT])
    await store.open()
    assert await ids(store) == [run.id]
    await queue(store, make_run())
    await store.close()


def test_a_migration_that_fails_leaves_nothing_of_itself(
    tmp_path: Path, connection: apsw.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.migrate(connection, tmp_path)
    before = schema(connection)
    broken = Migration(NEXT.number, "broken", f"{NEXT.script} CREATE TABLE runs (a);")
    know_only(monkeypatch, [*KNOWN, broken])
    with pytest.raises(apsw.SQLError):
        database.migrate(connection, tmp_path)
    assert schema(connection) == before
    know_only(monkeypatch, [*KNOWN, NEXT])
    database.migrate(connection, tmp_path)
    assert schema(connection) != before


def test_only_what_is_missing_is_applied() -> None:
    assert pending([*KNOWN, NEXT], len(KNOWN), "the database") == [NEXT]
    assert pending(KNOWN, len(KNOWN), "the database") == []
    with pytest.raises(StoreUnavailable, match="newer version"):
        pending(KNOWN, len(KNOWN) + 1, "the database")
