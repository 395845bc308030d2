"""The statements against the schema: they compile, they bind in the right order, the hot ones use their index."""

import re
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from mulligan.core.query import RunFilter
from mulligan.stores import run_filter
from mulligan.stores.sqlite import database
from mulligan.stores.sqlite.dialect import SQLITE
from mulligan.stores.statements import parameters, read_statement
from mulligan.testing.factories import START

ROOM = Path(database.__file__).parent
NAMES = sorted(file.stem for file in (ROOM / "sql").glob("*.sql"))


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[apsw.Connection]:
    connection = database.connect_writer(tmp_path / "mulligan.db")
    yield connection
    connection.close()


def plan(connection: apsw.Connection, sql: str, values: object = None) -> str:
    rows = connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)  # type: ignore[arg-type]  # any binding will do
    return "\n".join(str(row[3]) for row in rows)


def statement(name: str) -> str:
    return read_statement("mulligan.stores.sqlite", name)


@pytest.mark.parametrize("name", NAMES)
def test_every_statement_compiles_and_is_used(connection: apsw.Connection, name: str) -> None:
    sql = statement(name)
    connection.execute(f"EXPLAIN {sql}", dict.fromkeys(parameters(sql)))
    code = "".join(file.read_text(encoding="utf-8") for file in ROOM.glob("*.py"))
    assert f'"{name}"' in code or f'"{name.removeprefix("delete_")}"' in code


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith(("insert_", "save_"))])
def test_inserted_columns_and_their_parameters_have_the_same_order(name: str) -> None:
    sql = statement(name)
    columns = re.search(r"\(([^)]*)\)", sql)
    assert columns is not None
    assert tuple(column.strip() for column in columns[1].split(",")) == parameters(sql)


def test_the_columns_of_a_run_are_named_in_one_order() -> None:
    listed = [column.strip() for column in run_filter.RUN_COLUMNS.split(",")]
    assert listed == list(parameters(statement("insert_runs")))[:-1]
    selected = statement("load_runs").partition("FROM")[0].removeprefix("SELECT")
    assert [column.strip() for column in selected.split(",")] == listed


def test_every_table_but_that_of_the_migrations_has_a_namespace(connection: apsw.Connection) -> None:
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    without = [
        table
        for table in tables
        if not table.startswith("sqlite_")
        and "namespace" not in [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    ]
    assert without == ["migrations"]


HOT = [name for name in NAMES if name.startswith(("load_", "lease_", "find_ready", "find_due", "update_", "delete_"))]
SCANS_ON_PURPOSE = {
    "load_leased_steps": "workers come and go seldom",
    "delete_gone_workers": "a small table, and only when pruning",
}


@pytest.mark.parametrize("name", [*HOT, "find_inputs", "find_outputs", "find_prunable_runs", "find_logs"])
def test_hot_statements_never_scan_a_table(connection: apsw.Connection, name: str) -> None:
    sql = statement(name)
    steps = plan(connection, sql, dict.fromkeys(parameters(sql))).splitlines()
    scanned = [step for step in steps if re.match(r"SCAN (?!\w+ VIRTUAL|json_each|asked|\d+ CONSTANT)", step)]
    scanned = [step for step in scanned if "COVERING INDEX" not in step]
    assert bool(scanned) == (name in SCANS_ON_PURPOSE), steps


def test_ready_steps_come_from_the_index_in_the_order_of_claiming(connection: apsw.Connection) -> None:
    found = plan(connection, statement("find_ready_steps"), {"namespace": "n", "route": "r"})
    assert "USING INDEX open_steps_ready (namespace=? AND route=?)" in found
    assert "TEMP B-TREE" not in found


def test_runs_to_prune_are_found_without_sorting(connection: apsw.Connection) -> None:
    found = plan(connection, statement("find_prunable_runs"), {"before": 1, "limit": 1})
    assert "INDEX runs_by_created_at (created_at<?)" in found
    assert "TEMP B-TREE" not in found


def test_the_latest_version_is_found_without_sorting(connection: apsw.Connection) -> None:
    found = plan(connection, statement("find_version"), {"namespace": "n", "workflow": "w", "wanted": None})
    assert "namespace=? AND workflow=?" in found
    assert "TEMP B-TREE" not in found


def test_the_inbox_is_answered_from_an_index_alone(connection: apsw.Connection) -> None:
    for name in ("find_failure_groups", "count_failures_since"):
        sql = statement(name)
        assert "COVERING INDEX runs_by_fingerprint" in plan(connection, sql, dict.fromkeys(parameters(sql)))
    sql = statement("count_bulk_runs")
    assert "COVERING INDEX runs_by_bulk" in plan(connection, sql, {"bulk_id": "b"})


@pytest.mark.parametrize(
    ("wanted", "way"),
    [
        (RunFilter(), "SCAN runs"),
        (RunFilter(text=("word",)), "SCAN runs"),
        (RunFilter(workflows=("greet",)), "INDEX runs_by_workflow"),
        (RunFilter(statuses=("running",)), "INDEX runs_running"),
        (RunFilter(statuses=("failed",)), "INDEX runs_failed"),
        (RunFilter(statuses=("cancelled",)), "INDEX runs_cancelled"),
        (RunFilter(statuses=("cancelled", "failed")), "INDEX runs_failed"),
        (RunFilter(fingerprints=("f",)), "INDEX runs_by_fingerprint"),
        (RunFilter(source_ids=("s",)), "INDEX runs_by_source"),
        (RunFilter(parent_ids=("p",)), "INDEX runs_by_parent"),
        (RunFilter(bulk_ids=("b",)), "INDEX runs_by_bulk"),
        (RunFilter(family_ids=("s",)), "INDEX runs_by_family"),
        (RunFilter(ids=("a", "b")), "PRIMARY KEY (id=?)"),
    ],
)
def test_lists_of_runs_find_their_index(connection: apsw.Connection, wanted: RunFilter, way: str) -> None:
    question = run_filter.find_runs(SQLITE, "default", wanted, None, 50)
    assert way in plan(connection, question.sql, question.values)


@pytest.mark.parametrize("wanted", [RunFilter(), RunFilter(statuses=("succeeded",)), RunFilter(text=("word",))])
def test_all_runs_are_counted_in_the_order_of_the_table(connection: apsw.Connection, wanted: RunFilter) -> None:
    question = run_filter.count_runs(SQLITE, "default", wanted)
    assert plan(connection, question.sql, question.values).splitlines()[0] == "SCAN runs"


@pytest.mark.parametrize("before", [None, "cursor"])
def test_how_far_a_search_comes_is_found_without_sorting(connection: apsw.Connection, before: str | None) -> None:
    for wanted in (RunFilter(), RunFilter(workflows=("greet",)), RunFilter(statuses=("failed",))):
        question = run_filter.nth_run(SQLITE, "default", wanted, before, 10_000)
        assert "TEMP B-TREE" not in plan(connection, question.sql, question.values), wanted


def test_the_newest_runs_are_counted_by_workflow_without_reading_the_others(connection: apsw.Connection) -> None:
    question = run_filter.count_runs_by_workflow(SQLITE, "default", RunFilter(since_at=START))
    assert "INDEX runs_by_created_at" in plan(connection, question.sql, question.values).splitlines()[0]


def test_the_newest_runs_are_read_without_sorting(connection: apsw.Connection) -> None:
    for wanted in (RunFilter(), RunFilter(workflows=("greet",)), RunFilter(since_at=START), RunFilter(text=("x",))):
        question = run_filter.find_runs(SQLITE, "default", wanted, "cursor", 50)
        assert "TEMP B-TREE" not in plan(connection, question.sql, question.values), wanted
