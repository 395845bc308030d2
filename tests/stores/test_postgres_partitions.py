"""History in spans of time: made ahead, dropped as a whole, and never while anybody needs a run of them."""

import asyncio
import logging
import re
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulligan.core.records import IdempotencyKey, Replay, Run, RunStatus
from mulligan.errors import StoreConflict
from mulligan.stores.migrations import read_migrations
from mulligan.stores.postgres import PostgresStore, connections, database, partitions, span_maker
from mulligan.stores.postgres.connections import TRANSACTION_SETTINGS
from mulligan.stores.postgres.database import Address, connect, migrate, read_address
from mulligan.stores.postgres.spans import Span, id_from, instant_of, next_span
from mulligan.stores.postgres.statement import Statement
from mulligan.stores.statements import numbered, parameters, read_statement
from mulligan.testing.clock import VirtualClock
from mulligan.testing.exercise_store.talk import ANY, commit, ids, know, load, queue
from mulligan.testing.factories import changes, make_attempt, make_event, make_log_line, make_open_step, make_run
from mulligan.wire.ids import encode_id

RETENTION = timedelta(days=10)
WIDTH = RETENTION / 5
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Turned(VirtualClock):
    """A clock that a test turns, whatever the database says."""

    def correct(self, by: timedelta) -> None:
        pass


class Site:
    """A store in a database of its own, and a look past it."""

    def __init__(self, store: PostgresStore, clock: Turned, admin: Any) -> None:
        self.store, self.clock, self.admin = store, clock, admin

    async def prune(self) -> int:
        return await self.store.prune(self.clock.now() - RETENTION, 100)

    async def go_on(self, span: timedelta) -> None:
        """Let time pass in small steps, as it does for an engine that prunes each minute."""
        until = self.clock.now() + span
        while self.clock.now() < until:
            await self.clock.advance(min(WIDTH / 2, until - self.clock.now()))
            await self.store.prune(BEGIN - RETENTION, 0)  # makes spans, and finds nothing old enough
            await made(self.store)

    async def looked(self) -> None:
        if (looking := self.store._partitions._looking) is not None:
            await looking

    async def spans(self) -> list[str]:
        """The tables of the runs, but the rest."""
        found = await self.admin.fetch("SELECT tablename FROM pg_tables WHERE tablename ~ '^runs_2' ORDER BY 1")
        return [name for (name,) in found]

    async def table_of(self, run: Run) -> str:
        name: str = await self.admin.fetchval("SELECT tableoid::regclass::text FROM runs WHERE id = $1", run.id)
        return name


async def made(store: PostgresStore) -> None:
    """What is made and looked for beside the pruning is done."""
    if (maker := store._partitions._maker) is not None and maker._making is not None:
        await maker._making


@pytest.fixture
async def site(empty_database: str) -> AsyncIterator[Site]:
    clock = Turned(BEGIN)
    store = PostgresStore(empty_database, clock, RETENTION)
    await store.open()
    await know(store)
    admin = await asyncpg.connect(empty_database)
    yield Site(store, clock, admin)
    await admin.close()
    await store.close()


def id_at(at: datetime) -> str:
    return encode_id(int(at.timestamp() * 1000).to_bytes(6, "big") + b"\x7f" + secrets.token_bytes(9))


def run_at(at: datetime, **given: Any) -> Run:
    return make_run(**{"id": id_at(at), "created_at": at, **given})


def ended_at(at: datetime, **given: Any) -> Run:
    return run_at(at, **{"status": RunStatus.SUCCEEDED, "finished_at": at + MINUTE, **given})


# ── Making ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.integers(1, 2**47), st.binary(min_size=9, max_size=9))
def test_bounds_lie_between_the_ids_of_before_and_those_of_after(ticks: int, noise: bytes) -> None:
    at = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=ticks)
    earlier, later = (encode_id(each.to_bytes(6, "big") + b"\x7f" + noise) for each in (ticks - 1, ticks))
    assert earlier < id_from(at) < later
    assert instant_of(id_from(at)) == at


BY_ID = ("find_ended_runs", "find_inputs", "find_outputs", "load_ended", "load_runs", "lock_runs", "update_runs")


@pytest.mark.parametrize("name", BY_ID)
async def test_a_span_that_is_new_is_read_by_its_key(site: Site, empty_database: str, name: str) -> None:
    """For whoever has seen a table empty, to read all of some index is as good; and a million rows later it is not."""
    await site.go_on(MINUTE)
    [span] = await site.store._partitions.spans()
    sql = read_statement("mulligan.stores.postgres", name)
    bounds = {"least": f"'{span.least}'", "greatest": f"'{span.limit}'"}
    values = ", ".join(bounds.get(parameter.partition("_")[0], "NULL") for parameter in parameters(sql))
    connection = await connect(read_address(empty_database), TRANSACTION_SETTINGS)
    try:
        await connection.execute(f"PREPARE probe AS {numbered(sql)}")
        plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN EXECUTE probe ({values})"))
    finally:
        await connection.close()
    looked_at = await site.admin.fetch("SELECT relname FROM pg_class WHERE relname ~ '^runs_(rest|2.*t[0-9]+)$' "
                                       "AND reltuples >= 0")  # fmt: skip
    assert not looked_at, "a table was analysed while it was empty"
    ways = re.findall(rf"using (\w+) on \w+_{span.name}\b", plan)
    assert ways, plan
    assert all(way.endswith("_pkey") for way in ways), plan


async def test_there_is_always_a_span_to_come(site: Site) -> None:
    early = ended_at(BEGIN)
    await commit(site.store, changes(early))
    await site.go_on(3 * WIDTH)
    spans = await site.spans()
    assert len(spans) in {4, 5}
    late = ended_at(site.clock.now())
    await commit(site.store, changes(late))
    assert await site.table_of(early) == "runs_rest"
    assert await site.table_of(late) in spans
    assert await site.admin.fetchval("SELECT reloptions FROM pg_class WHERE relname = $1", spans[0]) == [
        "autovacuum_analyze_threshold=1000", "fillfactor=50", "autovacuum_analyze_scale_factor=0.02"
    ]  # fmt: skip
    assert await ids(site.store) == [late.id, early.id]


async def test_engines_make_a_span_once(site: Site, empty_database: str) -> None:
    other = PostgresStore(empty_database, site.clock, RETENTION)
    await other.open()
    for _ in range(4):
        await asyncio.gather(*(store.prune(BEGIN - RETENTION, 10) for store in (site.store, other) for _ in range(3)))
        await asyncio.gather(made(site.store), made(other))
        await site.clock.advance(WIDTH)
    await other.close()
    bounds = [(span.least, span.limit) for span in await site.store._partitions.spans()]
    assert len(bounds) in {4, 5}
    assert [limit for _, limit in bounds[:-1]] == [least for least, _ in bounds[1:]], "without gaps"


def test_after_a_long_pause_spans_begin_anew() -> None:
    old = Span("old", id_from(BEGIN), id_from(BEGIN + WIDTH))
    now = BEGIN + 100 * WIDTH
    span = next_span([old], now, RETENTION)
    assert span is not None
    assert (instant_of(span.least), instant_of(span.limit)) == (now + MINUTE, now + MINUTE + WIDTH)
    assert next_span([old, span], now, RETENTION) is None
    assert next_span([old, span], now + 2 * MINUTE, RETENTION) is not None


@pytest.mark.parametrize(("rest", "ahead"), [(span_maker.LARGE_REST, MINUTE), (0, 60 * MINUTE)])
async def test_ids_of_a_clock_that_is_far_ahead_cost_one_span(
    site: Site, monkeypatch: pytest.MonkeyPatch, rest: int, ahead: timedelta
) -> None:
    monkeypatch.setattr(span_maker, "LARGE_REST", rest)
    early = run_at(BEGIN + WIDTH / 2)
    await queue(site.store, early)
    await site.prune()
    await made(site.store)
    [name] = await site.spans()
    assert instant_of((await site.store._partitions.spans())[0].least) == BEGIN + ahead + WIDTH
    assert await site.table_of(early) == "runs_rest"
    assert name == f"runs_{BEGIN + ahead + WIDTH:%Y%m%dt%H%M%S}"


async def test_a_large_rest_is_not_looked_through_while_everybody_waits(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    async def talkative(address: Address, settings: dict[str, str]) -> Any:
        connection = await connect(address, {**settings, "client_min_messages": "debug1"})
        connection.add_log_listener(lambda _, message: told.append(message.message))
        return connection

    monkeypatch.setattr(span_maker, "LARGE_REST", 0)
    monkeypatch.setattr(connections, "connect", talkative)
    await queue(site.store, run_at(BEGIN))
    await site.prune()
    await made(site.store)
    assert len(await site.spans()) == 1
    assert len([each for each in told if "is implied by existing constraints" in each]) == 4, told
    assert await site.admin.fetchval("SELECT count(*) FROM pg_constraint WHERE conname ~ 'next_span'") == 0


async def test_who_comes_upon_a_span_that_was_never_made_is_not_refused(site: Site) -> None:
    """An engine was killed while it looked through a large rest, and the time of the span has come."""
    bounds = id_from(BEGIN - WIDTH), id_from(BEGIN + WIDTH)
    await site.admin.execute(f"SELECT keep_span_out_of_rest('{bounds[0]}', '{bounds[1]}')")
    run = run_at(BEGIN)
    with pytest.raises(StoreConflict):
        await queue(site.store, run)
    await queue(site.store, run)
    assert await ids(site.store) == [run.id]


async def test_pruning_does_not_wait_for_statistics(site: Site, empty_database: str) -> None:
    await queue(site.store, run_at(BEGIN))
    vacuum = await asyncpg.connect(empty_database)
    async with vacuum.transaction():
        await vacuum.execute("LOCK TABLE runs IN SHARE UPDATE EXCLUSIVE MODE")
        await site.prune()
        assert await site.spans() == []
    await vacuum.close()
    await made(site.store)
    assert len(await site.spans()) == 1


async def test_that_no_span_is_left_is_a_warning(
    site: Site, empty_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    await site.go_on(WIDTH)
    reader = await asyncpg.connect(empty_database)
    async with reader.transaction():
        await reader.execute("SELECT FROM logs")
        for _ in range(4):
            with caplog.at_level(logging.INFO, "mulligan.stores"):
                await site.go_on(WIDTH / 2)
    await reader.close()
    levels = [each.levelname for each in caplog.records if "next partition is made later" in each.getMessage()]
    assert levels == sorted(levels)
    assert set(levels) == {"INFO", "WARNING"}


# ── Dropping ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def a_finished_span(site: Site, *more: Run, **given: Any) -> list[Run]:
    """Runs of the first span with all that a run can have, and ``more``; it is old enough to go."""
    await site.go_on(WIDTH)
    runs = [ended_at(site.clock.now()) for _ in range(3)]
    key = IdempotencyKey("default", "key", runs[0].id, "hash", BEGIN)
    written = changes(
        *runs,
        *more,
        attempts_added=[(make_attempt(run), b"1") for run in runs],
        events_added=[make_event(runs[0])],
        logs_added=[make_log_line(runs[0], "hello")],
        keys_added=[key],
        **given,
    )
    await commit(site.store, written)
    await site.go_on(WIDTH + RETENTION)
    return runs


async def prune_all(site: Site) -> int:
    """A span is looked at in one minute, and dropped in a later one. Returns how many runs went."""
    before = await site.admin.fetchval("SELECT count(*) FROM runs")
    for _ in range(3):
        await site.prune()
        await site.looked()
    left: int = await site.admin.fetchval("SELECT count(*) FROM runs")
    return int(before) - left


async def test_a_span_in_which_all_has_finished_goes_as_a_whole(site: Site) -> None:
    runs = await a_finished_span(site)
    [first, *others] = await site.spans()
    assert {await site.table_of(run) for run in runs} == {first}
    assert await prune_all(site) == 3
    assert await site.spans() == others
    assert await site.admin.fetchval("SELECT count(*) FROM pg_tables WHERE tablename ~ $1", first[-15:]) == 0
    assert await ids(site.store) == []
    assert await site.store.events("default", runs[0].id) == []
    assert not (await load(site.store, keys={("default", "key")})).keys
    deleted = "SELECT sum(n_tup_del) FROM pg_stat_user_tables WHERE relname ~ '^(runs|attempts|logs)'"
    assert await site.admin.fetchval(deleted) == 0, "not one row was deleted"


async def test_a_span_is_looked_through_part_by_part(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "PART", 2)
    runs = await a_finished_span(site)
    await site.prune()
    await site.looked()
    [ending] = site.store._partitions._endings.values()
    assert (ending.runs, ending.last_at) == (3, max(run.finished_at for run in runs if run.finished_at))
    assert await site.prune() == 3


async def test_who_still_runs_or_ended_lately_keeps_its_span_and_nobody_else(site: Site) -> None:
    await site.go_on(WIDTH)
    sleeper = run_at(site.clock.now())
    late = ended_at(site.clock.now(), finished_at=site.clock.now() + RETENTION)
    step = make_open_step(sleeper)
    await commit(site.store, changes(sleeper, opened=(step,)))
    [*_, over] = await a_finished_span(site, late)
    over_with = await site.table_of(over)
    assert await prune_all(site) == 3
    assert over_with not in await site.spans()
    assert await ids(site.store) == sorted([sleeper.id, late.id], reverse=True)
    spans = await site.spans()
    end = make_run(id=sleeper.id, status=RunStatus.FAILED, created_at=sleeper.created_at, finished_at=site.clock.now())
    await commit(site.store, changes(closed=(step,), runs_changed={end.id: end}))
    assert await prune_all(site) == 0
    await site.go_on(RETENTION + WIDTH)
    await prune_all(site)
    assert await ids(site.store) == []
    assert spans[0] not in await site.spans()


async def test_a_run_that_a_later_one_relies_on_keeps_its_span(site: Site) -> None:
    runs = await a_finished_span(site)
    now = site.clock.now()
    child = ended_at(now, source_id=runs[0].id, family_id=runs[0].id)
    replay = Replay(child.id, runs[0].id, "default", ("say",), {"x": (runs[0].id, "x", 1)}, now, "ada")
    await commit(site.store, changes(child, replays_added=[replay]))
    assert await prune_all(site) == 2
    assert await ids(site.store) == [child.id, runs[0].id]
    await site.go_on(RETENTION + WIDTH)
    await prune_all(site)
    assert await ids(site.store) == []


async def test_a_run_of_a_clock_that_is_behind_is_not_dropped_with_the_old_ones(site: Site) -> None:
    """Its id lies in a span that has been looked at and found to be over."""
    runs = await a_finished_span(site)
    await site.prune()
    await site.looked()
    behind = ended_at(runs[0].created_at, created_at=site.clock.now(), finished_at=site.clock.now())
    await commit(site.store, changes(behind))
    await prune_all(site)
    assert await ids(site.store) == [behind.id]


async def test_nobody_waits_for_a_span_that_somebody_reads(site: Site, empty_database: str) -> None:
    await a_finished_span(site)
    await site.prune()
    await site.looked()
    reader = await asyncpg.connect(empty_database)
    async with reader.transaction():
        await reader.execute("SELECT FROM runs")
        spans = len(await site.spans())
        await site.prune()
        assert len(await site.spans()) == spans
        await queue(site.store, run := run_at(site.clock.now()))
    await reader.close()
    await site.clock.advance(MINUTE)
    await prune_all(site)
    assert len(await site.spans()) == spans - 1
    assert await ids(site.store) == [run.id]


async def a_span_with_a_replay(site: Site) -> list[Run]:
    """One run of the finished span has been replayed, and the replay is older than the retention, too."""
    at = site.clock.now() + WIDTH
    source = ended_at(at)
    child = ended_at(at + MINUTE, source_id=source.id, family_id=source.id)
    replay = Replay(child.id, source.id, "default", ("say",), {"x": (source.id, "x", 1)}, BEGIN, "ada")
    return [*await a_finished_span(site, source, child, replays_added=[replay]), source, child]


BESIDE = """
SELECT (SELECT count(*) FROM idempotency_keys), (SELECT count(*) FROM replays), (SELECT count(*) FROM kept_results),
    (SELECT count(*) FROM dropped_spans)
"""


async def test_a_span_that_cannot_be_dropped_yet_has_lost_nothing(site: Site, empty_database: str) -> None:
    """A replay without its record would look like a run whose kept steps never ran, and run them again."""
    await a_span_with_a_replay(site)
    await site.prune()
    await site.looked()
    reader = await asyncpg.connect(empty_database)
    async with reader.transaction():
        await reader.execute("SELECT FROM logs")
        spans = await site.spans()
        assert await site.prune() == 0
        assert await site.spans() == spans
        assert tuple(await site.admin.fetchrow(BESIDE)) == (1, 1, 1, 0)
    await reader.close()
    await site.clock.advance(MINUTE)
    assert await prune_all(site) == 5
    assert len(await site.spans()) == len(spans) - 1
    assert tuple(await site.admin.fetchrow(BESIDE)) == (0, 0, 0, 0)


async def test_rows_of_a_span_that_will_be_dropped_are_not_deleted(site: Site) -> None:
    """Neither before anybody has looked whether it may go, nor when its last run ended a little later."""
    late = ended_at(BEGIN + WIDTH, finished_at=BEGIN + 2 * WIDTH + 30 * MINUTE)
    await a_finished_span(site, late)
    for _ in range(3):
        assert await site.prune() == 0
        await site.looked()
    await site.clock.advance(31 * MINUTE)
    assert await prune_all(site) == 4


async def test_what_should_have_gone_long_ago_is_not_kept_for_a_span_that_cannot_go(
    site: Site, empty_database: str
) -> None:
    await a_finished_span(site)
    await site.prune()
    await site.looked()
    reader = await asyncpg.connect(empty_database)
    async with reader.transaction():
        await reader.execute("SELECT FROM logs")
        await site.clock.advance(2 * WIDTH)
        spans = await site.spans()
        assert await site.prune() == 3
        assert set(spans) <= set(await site.spans())
    await reader.close()


async def test_what_lay_beside_a_dropped_span_goes_though_its_engine_was_killed(
    site: Site, empty_database: str
) -> None:
    """… and what has come into that time since, from a client whose clock is behind, stays."""
    [*_, source, _] = await a_span_with_a_replay(site)
    await site.prune()
    await site.looked()
    holder = await asyncpg.connect(empty_database)
    async with holder.transaction():
        await holder.execute("SELECT FROM replays FOR UPDATE")
        spans = len(await site.spans())
        await site.prune()
        assert len(await site.spans()) == spans - 1
        assert tuple(await site.admin.fetchrow(BESIDE))[1:] == (1, 1, 1)
    await holder.close()
    behind = ended_at(source.created_at, created_at=site.clock.now(), finished_at=site.clock.now())
    key = IdempotencyKey("default", "new", behind.id, "hash", site.clock.now())
    replay = Replay(behind.id, behind.id, "default", ("say",), {}, site.clock.now(), "ada")
    await commit(site.store, changes(behind, keys_added=[key], replays_added=[replay]))
    other = PostgresStore(empty_database, site.clock, RETENTION)
    await other.open()
    await other.prune(site.clock.now() - RETENTION, 100)
    assert tuple(await site.admin.fetchrow(BESIDE)) == (1, 1, 0, 0)
    assert (await load(other, keys={("default", "new")})).keys
    await other.close()


async def test_without_a_retention_there_are_no_spans(empty_database: str) -> None:
    store = PostgresStore(empty_database, Turned(BEGIN))
    await store.open()
    await know(store)
    runs = [ended_at(BEGIN + timedelta(days=day)) for day in range(3)]
    await commit(store, changes(*runs))
    assert await store.prune(BEGIN + timedelta(days=1), 10) == 1
    assert await store._partitions.spans() == []
    await store.close()


# ── Reading, and the way there ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["lock_runs", "load_runs", "load_ended", "find_ended_runs", "find_inputs"])
async def test_ids_of_one_span_lead_to_its_tables_alone(site: Site, empty_database: str, name: str) -> None:
    """In the one plan for all values."""
    await site.go_on(4 * WIDTH)
    connection = await connect(read_address(empty_database), TRANSACTION_SETTINGS)
    one = id_at(site.clock.now())
    await connection.execute(f"PREPARE probe AS {Statement(name).sql}")
    plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN EXECUTE probe ('{one}', '{one}', '{one}')"))
    assert plan.count("Index Scan") == 1, plan
    assert "Subplans Removed: 5" in plan or "Subplans Removed: 4" in plan, plan
    await connection.close()


async def test_data_of_before_the_spans_stay_as_they_are(empty_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = read_migrations("mulligan.stores.postgres")
    monkeypatch.setattr(database, "read_migrations", lambda package: known[:2])
    address = read_address(empty_database)
    connection = await connect(address)
    await migrate(connection, address)
    run = ended_at(BEGIN)
    await connection.execute("INSERT INTO versions VALUES ('default', 'greet', 1, $1, now(), '{}')", run.version)
    columns = "id, namespace, workflow, version, created_at, status, pinned, priority, generation, input, finished_at"
    await connection.execute(
        f"INSERT INTO runs ({columns}) VALUES ($1, 'default', 'greet', $2, $3, 'succeeded', false, 0, 0, 'null', $3)",
        run.id, run.version, BEGIN,
    )  # fmt: skip
    await connection.execute(
        "INSERT INTO run_events (run_id, namespace, at, kind, detail) VALUES ($1, 'default', $2, 'started', '{}')",
        run.id, BEGIN,
    )  # fmt: skip
    await connection.execute(
        "INSERT INTO logs (run_id, step, attempt, namespace, at, level, logger, message) "
        "SELECT $1, 'say', 1, 'default', $2, 20, 'x', 'old' FROM generate_series(1, 3)",
        run.id, BEGIN,
    )  # fmt: skip
    await connection.close()
    monkeypatch.undo()

    store = PostgresStore(empty_database, Turned(BEGIN), RETENTION)
    await store.open()
    assert [row.run.id for row in await store.find_runs("default", ANY, None, 10)] == [run.id]
    await commit(store, changes(logs_added=[make_log_line(run, "new")], events_added=[make_event(run)]))
    assert [line.message for _, line in await store.logs("default", run.id, None, None, 3, 10)] == ["new"]
    assert len(await store.events("default", run.id)) == 2
    await store.close()
