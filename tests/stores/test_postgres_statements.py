"""The statements against the schema: they compile, bind in the right order, and touch no more than they should."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from mulligan.app.system import SystemClock
from mulligan.core.facts import Changes, Wanted
from mulligan.core.query import RunFilter
from mulligan.core.records import RunStatus
from mulligan.stores import postgres, run_filter
from mulligan.stores.postgres import PostgresStore
from mulligan.stores.postgres.connections import TRANSACTION_SETTINGS
from mulligan.stores.postgres.database import connect, read_address
from mulligan.stores.postgres.dialect import POSTGRES
from mulligan.stores.postgres.rows import (
    instant_for_driver,
    instant_from_driver,
    row_of_attempt,
    row_of_open_step,
    row_of_run,
)
from mulligan.stores.postgres.statement import Statement
from mulligan.stores.statements import numbered, parameters, read_statement
from mulligan.testing.exercise_store.talk import claim, commit, know, load, queue
from mulligan.testing.factories import START, after, changes, make_attempt, make_open_step, make_run, make_version

ROOM = Path(postgres.__file__).parent
NAMES = sorted(file.stem for file in (ROOM / "sql").glob("*.sql"))


def statement(name: str) -> str:
    return read_statement("mulligan.stores.postgres", name)


@pytest.fixture
async def connection(postgres_url: str) -> AsyncIterator[Any]:
    """One with the settings that transactions have."""
    connection = await connect(read_address(postgres_url), TRANSACTION_SETTINGS)
    yield connection
    await connection.close()


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(postgres_url, SystemClock())
    await store.open()
    yield store
    await store.close()


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The statements that are sent while the block runs, by whichever connection."""
    sent: list[str] = []
    with monkeypatch.context() as patch:
        for method in ("execute", "fetch"):
            original = getattr(asyncpg.Connection, method)

            async def spy(connection: Any, sql: str, *values: Any, original: Any = original, **options: Any) -> Any:
                sent.append(sql)
                return await original(connection, sql, *values, **options)

            patch.setattr(asyncpg.Connection, method, spy)
        yield sent


async def test_every_statement_compiles_and_is_used(connection: Any) -> None:
    code = "".join(file.read_text(encoding="utf-8") for file in ROOM.glob("*.py"))
    for name in NAMES:
        await connection.prepare(numbered(statement(name)))
        assert f'"{name}"' in code or f'"{name.removeprefix("delete_")}"' in code


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith(("insert_", "save_"))])
def test_inserted_columns_and_their_parameters_have_the_same_order(name: str) -> None:
    sql = statement(name)
    sql = sql[sql.index("INSERT INTO") :]
    columns = re.search(r"\(([^)]*)\)", sql)
    assert columns is not None
    assert tuple(column.strip() for column in columns[1].split(",")) == parameters(sql)


def test_the_columns_of_a_run_are_named_in_one_order() -> None:
    listed = [column.strip() for column in run_filter.RUN_COLUMNS.split(",")]
    assert listed == list(parameters(statement("insert_runs")))[:-1]
    selected = statement("load_runs").partition("FROM")[0].removeprefix("SELECT")
    assert [column.strip() for column in selected.split(",")] == listed


async def test_every_table_but_those_about_tables_has_a_namespace(connection: Any) -> None:
    without = await connection.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename NOT IN "
        "(SELECT table_name FROM information_schema.columns WHERE column_name = 'namespace')"
    )
    assert sorted(name for (name,) in without) == ["dropped_spans", "mulligan_migrations"]


WITHOUT_KEY = {
    "delete_gone_workers": "a small table, and only when pruning",
    "find_ready_routes": "from route to route, each found by the one before it",
}
HOT = [
    name
    for name in NAMES
    if name.startswith(("load_", "lock_", "lease_", "find_ready", "find_due", "update_", "delete_"))
]


async def plan_of(connection: Any, name: str) -> str:
    """The one plan that is made for all values."""
    sql = statement(name)
    values = ", ".join(["NULL"] * len(parameters(sql)))
    await connection.execute(f"PREPARE probe AS {numbered(sql)}")
    rows = await connection.fetch(f"EXPLAIN EXECUTE probe ({values})" if values else "EXPLAIN EXECUTE probe")
    await connection.execute("DEALLOCATE probe")
    return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize("rows", [0, 300])
async def test_hot_statements_go_by_keys(connection: Any, rows: int) -> None:
    """Whatever size the planner has seen last: tables grow faster than statistics, and the one plan is kept."""
    runs = [make_run() for _ in range(rows)]
    await Statement("insert_runs").add(connection, [row_of_run(run, b"null") for run in runs])
    await Statement("insert_open_steps").add(connection, [row_of_open_step(make_open_step(run)) for run in runs])
    await Statement("insert_attempts").add(connection, [row_of_attempt(make_attempt(run), None) for run in runs])
    await connection.execute("ANALYZE")
    plans = {name: await plan_of(connection, name) for name in [*HOT, "find_inputs", "find_outputs"]}
    whole = {name: plan for name, plan in plans.items() if reads_without_a_key(plan)}
    assert whole.keys() == WITHOUT_KEY.keys(), "\n\n".join(whole.values())


def reads_without_a_key(plan: str) -> bool:
    below = re.findall(r"(?:Index(?: Only)?|Seq) Scan[^\n]*\n *(.*)", plan)
    return any("Index Cond" not in line for line in below)


async def test_the_leases_of_a_worker_cost_nothing_for_what_waits(connection: Any) -> None:
    """Also when the planner has seen the table empty last: then any order that is asked for would choose the index."""
    plan = await plan_of(connection, "load_leased_steps")
    assert "Index Scan using open_steps_leased on open_steps" in plan, plan


async def test_ready_steps_come_from_the_index_in_the_order_of_claiming(connection: Any) -> None:
    plan = await plan_of(connection, "find_ready_steps")
    assert "Index Scan using open_steps_ready" in plan
    assert plan.index("LockRows") < plan.index("Index Scan"), "only what is taken is locked"
    assert "Sort" not in plan[plan.index("Limit") :]


WAYS = [
    (RunFilter(), "runs_pkey"),
    (RunFilter(text=("word",)), "runs_pkey"),
    (RunFilter(workflows=("rare",)), "runs_by_workflow"),
    (RunFilter(statuses=("running",)), "open_steps"),
    (RunFilter(statuses=("failed",)), "runs_in_trouble"),
    (RunFilter(statuses=("cancelled",)), "runs_in_trouble"),
    (RunFilter(fingerprints=("f",)), "runs_by_fingerprint"),
    (RunFilter(source_ids=("s",)), "runs_by_source"),
    (RunFilter(parent_ids=("p",)), "runs_by_parent"),
    (RunFilter(family_ids=("s",)), "runs_by_family"),
    (RunFilter(ids=("a", "b")), "runs_pkey"),
]


async def test_lists_of_runs_find_their_index(postgres_url: str) -> None:
    """In a table of some size, and as the planner sees it."""
    connection = await connect(read_address(postgres_url))
    ended: dict[str, Any] = {"status": RunStatus.SUCCEEDED, "finished_at": after(9)}
    failed = {**ended, "status": RunStatus.FAILED, "fingerprint": "f", "failed_step": "say"}
    runs = [make_run(**ended) for _ in range(20_000)]
    runs += [make_run(**failed, source_id=str(n), family_id=str(n)) for n in range(50)]
    runs += [make_run(workflow="rare", parent_id=str(n), parent_step="say", **ended) for n in range(50)]
    runs += [make_run() for _ in range(5)]
    await Statement("insert_runs").add(connection, [row_of_run(run, b"null") for run in runs])
    await Statement("insert_open_steps").add(connection, [row_of_open_step(make_open_step(run)) for run in runs[-5:]])
    await connection.execute("ANALYZE runs, open_steps")
    for wanted, way in WAYS:
        question = run_filter.find_runs(POSTGRES, "default", wanted, None, 50)
        plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {question.sql}", *question.values))
        assert way in plan, plan
        assert "Seq Scan on runs" not in plan, plan
    await connection.close()


async def test_the_end_of_a_run_stays_on_its_page_and_touches_no_index(connection: Any) -> None:
    runs = [make_run() for _ in range(50)]
    ends = [(RunStatus.SUCCEEDED, after(1), None, None, None, None, run.id, run.namespace) for run in runs]
    async with connection.transaction():
        await Statement("insert_runs").add(connection, [row_of_run(run, b"null") for run in runs])
        await Statement("update_runs").change(connection, ends)
        heap_only = await connection.fetchval("SELECT pg_stat_get_xact_tuples_hot_updated('runs_rest'::regclass)")
    assert heap_only == 50


async def test_how_many_statements_a_turn_costs(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many runs it is about. With BEGIN and COMMIT; what a cycle reads before it decides is not included."""
    await know(store)

    async def turn(written: Changes) -> list[str]:
        with counted(monkeypatch) as sent:
            await commit(store, written, [claim(slots=500)])
        return sent

    runs = [make_run() for _ in range(200)]
    leased_at_once = await turn(changes(*runs, opened=tuple(make_open_step(run) for run in runs)))
    assert len(leased_at_once) == 5  # begin, candidates, runs, open steps, commit
    assert len(await turn(Changes())) == 3  # begin, candidates, commit
    ended = changes(
        closed=tuple(make_open_step(run) for run in runs),
        attempts_added=[(make_attempt(run), b'"done"') for run in runs],
        runs_changed={run.id: run for run in runs},
    )
    assert len(await turn(ended)) == 6  # begin, candidates, runs, open steps, attempts, commit
    await queue(store, *[make_run() for _ in range(200)])
    assert len(await turn(Changes())) == 4  # begin, candidates, leases, commit


async def test_a_version_costs_its_own_definition_and_no_other(
    store: PostgresStore, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is one for every edit of the code, and they are never deleted."""
    versions = [make_version(digest=f"greet-{number}", number=number) for number in range(1, 101)]
    await commit(store, changes(versions_added=versions))
    fresh = PostgresStore(postgres_url, SystemClock())
    await fresh.open()
    with counted(monkeypatch) as sent:
        assert await fresh.version("default", "greet", None) == versions[-1]
        assert await fresh.version("default", "greet", None) == versions[-1]
    assert len(sent) == 3  # which one, its definition; which one
    assert list(fresh._loader.definitions._known) == [("default", "greet", "greet-100")]
    with counted(monkeypatch) as sent:
        assert await fresh.versions("default", "greet") == versions[::-1]
        assert await fresh.versions("default", "greet") == versions[::-1]
    assert [("definition" in sql.partition("FROM")[0]) for sql in sent] == [False, True, False]
    await fresh.close()


async def test_the_latest_version_is_found_without_looking_at_others(connection: Any) -> None:
    sql = numbered(statement("find_version")).replace("$3", "NULL")
    rows = await connection.fetch(f"EXPLAIN {sql}", "default", "greet")
    found = "\n".join(row[0] for row in rows)
    assert "Limit" in found
    assert "Index Scan Backward using versions_pkey" in found
    assert "Sort" not in found


async def test_loading_many_runs_costs_four_statements(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    await know(store)
    runs = [make_run() for _ in range(100)]
    await queue(store, *runs)
    await load(store, run_ids={runs[0].id})  # the definition is read once
    async with store.transaction() as transaction:
        with counted(monkeypatch) as sent:
            facts = await transaction.load(Wanted(run_ids={run.id for run in runs}))
    assert {facts.run.id for facts in facts.runs.values()} == {run.id for run in runs}
    assert len(sent) == 4  # begin, runs, open steps, attempts: how the runs began is remembered


def test_instants_are_given_to_the_driver_exactly() -> None:
    for at in (START, after(0.000001), after(-86_400 * 365 * 60), after(86_400 * 365 * 5000)):
        assert instant_from_driver(instant_for_driver(at)) == at
