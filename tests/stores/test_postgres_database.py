"""What only a server can get wrong: connections that break, engines that stall, schemas and clocks of others."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from mulligan.app.checkup import examine
from mulligan.app.compose import migrate_database
from mulligan.app.settings import load_settings
from mulligan.app.system import SystemClock
from mulligan.core.facts import Changes, Committed, Wanted
from mulligan.errors import InvalidInput, StoreConflict, StoreUnavailable
from mulligan.ports.store import News, Store
from mulligan.stores.migrations import Migration, read_migrations
from mulligan.stores.postgres import PostgresStore, connections, database, wakeups
from mulligan.stores.postgres.database import connect, look_at, migrate, read_address, schema_number
from mulligan.stores.postgres.rows import escape, joined, unescape
from mulligan.stores.postgres.timekeeping import go_by_database
from mulligan.stores.postgres.wakeups import Wakeups, payloads, read_payload
from mulligan.testing.exercise_store.claims import Claims
from mulligan.testing.exercise_store.commits import Commits
from mulligan.testing.exercise_store.pruning import Pruning
from mulligan.testing.exercise_store.sweeps import Sweeps
from mulligan.testing.exercise_store.talk import claim, commit, ids, know, queue
from mulligan.testing.factories import changes, make_event, make_log_line, make_run
from tests.postgres import url_of

KNOWN = read_migrations("mulligan.stores.postgres")
NEXT = Migration(len(KNOWN) + 1, "nickname", "ALTER TABLE runs ADD COLUMN nickname text; CREATE TABLE extra (a text)")


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(postgres_url, SystemClock())
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def other(postgres_url: str) -> AsyncIterator[PostgresStore]:
    """Another engine's."""
    store = PostgresStore(postgres_url, SystemClock())
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def admin(postgres_url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(postgres_url)
    yield connection
    await connection.close()


# ── Connections ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def until_it_works(ask: Callable[[], Awaitable[object]]) -> int:
    """How often it was refused before it did: every broken connection may be found once."""
    for refused in range(20):
        with suppress(StoreUnavailable):
            await ask()
            return refused
    raise AssertionError("it never worked again")


async def test_when_all_connections_are_cut_the_store_is_back_by_itself(store: PostgresStore, admin: Any) -> None:
    await know(store)
    await queue(store, before := make_run())
    assert await ids(store) == [before.id]
    await admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'mulligan%' "
        "AND datname = current_database()"
    )
    after = make_run()
    assert await until_it_works(lambda: queue(store, after)) <= 1
    assert await until_it_works(lambda: ids(store)) <= connections.QUESTIONS
    assert await until_it_works(store.ready_routes) <= connections.SWEEPS
    assert await ids(store) == [after.id, before.id]


async def test_a_database_that_cannot_be_reached_is_unavailable_and_its_password_stays_secret() -> None:
    store = PostgresStore("postgresql://ann:secret@127.0.0.1:1/nowhere", SystemClock())
    with pytest.raises(StoreUnavailable) as refused:
        await store.open()
    assert "postgresql://127.0.0.1:1/nowhere" in str(refused.value)
    assert "secret" not in str(refused.value)


async def test_who_is_stopped_while_connecting_leaves_no_connection_behind(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []

    async def stop(connection: Any) -> None:
        made.append(connection)
        raise asyncio.CancelledError

    monkeypatch.setattr(database, "prepare", stop)
    with pytest.raises(asyncio.CancelledError):
        await connect(read_address(postgres_url))
    assert [connection.is_closed() for connection in made] == [True]


async def test_an_unknown_database_is_told_by_its_name(postgres_server: str) -> None:
    store = PostgresStore(url_of(postgres_server, "nonesuch"), SystemClock())
    with pytest.raises(StoreUnavailable, match="nonesuch"):
        await store.open()


@pytest.mark.parametrize(
    ("url", "shown", "pooled"),
    [
        ("postgres://ann:secret@db:5433/jobs?pgbouncer=true&sslmode=require", "postgresql://db:5433/jobs", True),
        ("postgresql://ann@/jobs?host=/run/pg", "postgresql:///run/pg/jobs", False),
        ("postgresql://db/jobs?pgbouncer=false", "postgresql://db/jobs", False),
    ],
)
def test_addresses_are_read(url: str, shown: str, pooled: bool) -> None:
    address = read_address(url)
    assert (address.shown, address.pooled) == (shown, pooled)
    assert "pgbouncer" not in address.dsn


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("mysql://db/jobs", "mysql"),
        ("postgresql://db/jobs?pgbouncer=perhaps", "pgbouncer"),
        ("postgresql://db/jobs?sslmode=require&channel_binding=require&connect_timeout=5", "channel_binding, connect_"),
    ],
)
def test_odd_addresses_are_refused(url: str, named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        read_address(url)


async def test_what_is_off_and_may_lose_data_is_said(
    postgres_url: str, admin: Any, caplog: pytest.LogCaptureFixture
) -> None:
    name = await admin.fetchval("SELECT current_database()")
    await admin.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    try:
        assert "synchronous_commit" in (await look_at(read_address(postgres_url))).unsafe
        store = PostgresStore(postgres_url, SystemClock())
        with caplog.at_level(logging.WARNING, "mulligan.stores"):
            await store.open()
        await store.close()
        assert "synchronous_commit off" in caplog.text
    finally:
        await admin.execute(f"ALTER DATABASE {name} RESET synchronous_commit")


def diagnosis(url: str) -> tuple[str, str]:
    """The verdict of `mulligan doctor` on the database, and its words."""
    loaded = load_settings({"database": url})
    [finding] = [each for each in examine(loaded) if each.subject == "PostgreSQL" and "fsync" not in each.text]
    return finding.verdict, f"{finding.text} → {finding.advice}"


def apply(url: str, *commands: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url)
        for command in commands:
            await connection.execute(command)
        await connection.close()

    asyncio.run(run())


def test_the_doctor_knows_an_empty_a_current_an_old_and_a_newer_schema(empty_database: str) -> None:
    assert diagnosis(empty_database)[0] == "ok"
    asyncio.run(migrate_database(load_settings({"database": empty_database}).settings))
    assert diagnosis(empty_database) == ("ok", f"{diagnosis(empty_database)[1].split(',')[0]}, schema {len(KNOWN)} → ")
    apply(empty_database, f"DELETE FROM mulligan_migrations WHERE number = {len(KNOWN)}")
    verdict, words = diagnosis(empty_database)
    assert (verdict, "mulligan migrate" in words) == ("warn", True)
    apply(empty_database, "INSERT INTO mulligan_migrations VALUES (99, 'of the future')")
    verdict, words = diagnosis(empty_database)
    assert (verdict, "schema 99 was made by a newer Mulligan" in words) == ("fail", True)
    with pytest.raises(StoreUnavailable, match="a newer version has used it"):
        asyncio.run(migrate_database(load_settings({"database": empty_database}).settings))


def test_a_role_without_rights_is_told_so_before_and_when_it_tries(empty_database: str) -> None:
    apply(
        empty_database,
        "DROP ROLE IF EXISTS mulligan_guest",
        "CREATE ROLE mulligan_guest LOGIN PASSWORD 'guest'",
        "REVOKE CREATE ON SCHEMA public FROM public",
    )
    parts = urlsplit(empty_database)
    guest = urlunsplit(parts._replace(netloc=f"mulligan_guest:guest@{parts.netloc.rpartition('@')[2]}"))
    verdict, words = diagnosis(guest)
    assert (verdict, "may not create tables" in words) == ("fail", True)
    with pytest.raises(StoreUnavailable, match="permission denied for schema public") as refused:
        asyncio.run(migrate_database(load_settings({"database": guest}).settings))
    assert refused.value.code == "no_right"
    apply(empty_database, "DROP ROLE mulligan_guest")


def test_a_search_path_that_leads_nowhere_is_told(empty_database: str) -> None:
    nowhere = f"{empty_database}&search_path=nowhere"
    assert diagnosis(nowhere)[0] == "fail"
    with pytest.raises(StoreUnavailable, match="no schema has been selected"):
        asyncio.run(migrate_database(load_settings({"database": nowhere}).settings))


def test_a_database_that_does_not_answer_is_told_by_the_doctor() -> None:
    verdict, words = diagnosis("postgresql://ann:secret@127.0.0.1:1/nowhere")
    assert (verdict, "Check that it runs" in words, "secret" in words) == ("fail", True, False)


# ── Transactions of several engines ──────────────────────────────────────────────────────────────────────────────────


async def test_a_run_is_locked_until_its_transaction_ends(store: PostgresStore, other: PostgresStore) -> None:
    await know(store)
    await queue(store, run := make_run())
    seen: list[list[str]] = []

    async def look() -> None:
        async with other.transaction() as second:
            facts = await second.load(Wanted(run_ids={run.id}))
            seen.append(sorted(facts.runs[run.id].open))

    async with store.transaction() as first:
        await first.load(Wanted(run_ids={run.id}))
        waiting = asyncio.create_task(look())
        for _ in range(10):
            await store.ready_routes()
        [step] = (await store.facts([run.id]))[run.id].open.values()
        assert not seen, "the other engine did not wait"
        await first.commit(changes(closed=(step,)), (), run.created_at, "token")
    await waiting
    assert seen == [[]], "the other engine did not see what it had waited for"


async def test_a_claim_passes_over_what_another_engine_is_about_to_take(
    store: PostgresStore, other: PostgresStore, admin: Any
) -> None:
    await know(store)
    runs = [make_run() for _ in range(3)]
    await queue(store, *runs)
    async with admin.transaction():
        await admin.execute("SELECT FROM open_steps WHERE run_id = $1 FOR UPDATE", runs[0].id)
        leased = await commit(other, Changes(), [claim(slots=1)])
        assert [step.run_id for step in leased] == [runs[1].id]
    leased = await commit(store, Changes(), [claim(slots=5)])
    assert [step.run_id for step in leased] == [runs[0].id, runs[2].id]


async def test_claims_of_two_engines_never_lease_a_step_twice(store: PostgresStore, other: PostgresStore) -> None:
    await know(store)
    runs = [make_run() for _ in range(300)]
    await queue(store, *runs)

    async def take(engine: Store, worker_id: str) -> list[str]:
        leased = []
        for _ in range(40):
            leased += await commit(engine, Changes(), [claim(worker_id=worker_id, slots=7)], token=worker_id)
        return [step.run_id for step in leased]

    ann, bob = await asyncio.gather(take(store, "ann"), take(other, "bob"))
    assert sorted(ann + bob) == [run.id for run in runs]
    assert len(await store.leases_of("ann")) == len(ann)


async def test_an_engine_that_stalls_amid_a_transaction_does_not_hold_up_the_others(
    postgres_url: str, other: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connections.TRANSACTION_SETTINGS, "idle_in_transaction_session_timeout", "300ms")
    stalled = PostgresStore(postgres_url, SystemClock())
    await stalled.open()
    await know(other)
    await queue(other, run := make_run())
    async with stalled.transaction() as transaction:
        await transaction.load(Wanted(run_ids={run.id}))
        # The other one waits no longer than the database lets the first one do nothing.
        async with other.transaction() as second:
            assert run.id in (await second.load(Wanted(run_ids={run.id}))).runs
        with pytest.raises(StoreUnavailable):
            await transaction.commit(changes(events_added=[make_event(run)]), (), run.created_at, "token")
    assert await other.events("default", run.id) == []
    await commit(stalled, changes(events_added=[make_event(run)]))
    await stalled.close()


async def test_a_conflict_of_two_engines_is_one_only_once(store: PostgresStore, other: PostgresStore) -> None:
    await know(store)
    run = make_run()
    outcomes = await asyncio.gather(*(queue(each, run) for each in (store, other)), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType", "StoreConflict"]
    with pytest.raises(StoreConflict):
        await queue(store, run)


async def test_who_follows_a_log_never_passes_a_line_that_is_committed_later(
    store: PostgresStore, other: PostgresStore
) -> None:
    await know(store)
    await commit(store, changes(run := make_run()))

    async def write(engine: Store, name: str) -> None:
        for number in range(30):
            await commit(engine, changes(logs_added=[make_log_line(run, f"{name} {number}")]))

    async def follow() -> None:
        position = 0
        while len(seen) < 60:
            found = await store.logs("default", run.id, None, None, position, 100)
            seen.extend(line.message for _, line in found)
            position = found[-1][0] if found else position

    seen: list[str] = []
    await asyncio.gather(write(store, "a"), write(other, "b"), follow())
    assert sorted(seen) == sorted(f"{name} {number}" for name in "ab" for number in range(30))


async def test_runs_are_pruned_by_one_engine_each(store: PostgresStore, other: PostgresStore) -> None:
    await know(store)
    ended = [make_run(status="succeeded", finished_at=make_run().created_at) for _ in range(60)]
    await commit(store, changes(*ended))
    before = ended[0].created_at + timedelta(days=1)
    counts = await asyncio.gather(*(each.prune(before, 10) for each in (store, other) for _ in range(6)))
    while left := await store.prune(before, 10):
        counts.append(left)
    assert sum(counts) == 60
    assert await ids(store) == []


# ── Behind a pooler ──────────────────────────────────────────────────────────────────────────────────────────────────


class TestBehindPgBouncer(Commits, Claims, Sweeps, Pruning):
    """Nothing is kept in a session: no prepared statement, no setting, no LISTEN."""

    @pytest.fixture
    async def store(self, postgres_url: str) -> AsyncIterator[Store]:
        store = PostgresStore(f"{postgres_url}&pgbouncer=true", SystemClock())
        await store.open()
        yield store
        await store.close()


LEFT_BEHIND = """
SELECT 'prepared ' || name FROM pg_prepared_statements
UNION ALL SELECT 'set ' || name FROM pg_settings WHERE source = 'session' AND setting <> reset_val
UNION ALL SELECT 'listens to ' || channel FROM pg_listening_channels() AS channel
UNION ALL SELECT 'holds a lock' FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()
UNION ALL SELECT 'has a table' FROM pg_class WHERE relpersistence = 't'
"""


async def test_behind_a_pooler_nothing_is_left_in_any_session(empty_database: str) -> None:
    """For whoever gets it next, and for us when we get another."""
    store = PostgresStore(f"{empty_database}&pgbouncer=true", SystemClock(), timedelta(days=30))
    store.listen(lambda _: None)
    await store.open()
    await know(store)
    await queue(store, *(runs := [make_run() for _ in range(5)]))
    [step, *_] = await commit(store, Changes(), [claim()])
    await commit(store, changes(logs_added=[make_log_line(runs[0], "hello")], closed=(step,)))
    await asyncio.gather(*(ids(store) for _ in range(5)), *(store.ready_routes() for _ in range(5)))
    await store.prune(runs[0].created_at, 10)
    held = store._connections
    assert held._writer is not None
    assert await held._writer.fetch(LEFT_BEHIND) == []
    for pool in (held._sweeps, held._questions):
        async with pool.acquire() as connection:
            assert await connection.fetch(LEFT_BEHIND) == []
    await store.close()


async def test_behind_a_pooler_each_transaction_brings_its_settings(postgres_url: str) -> None:
    """Above all that nothing is compiled: what must not be done looks costly, and each time that took 0.3 s."""
    store = PostgresStore(f"{postgres_url}&pgbouncer=true", SystemClock())
    await store.open()
    async with store.transaction() as transaction:
        await transaction.load(Wanted(run_ids={"none"}))
        writer = await store._connections.writer()
        for name, value in connections.TRANSACTION_SETTINGS.items():
            assert await writer.fetchval("SELECT current_setting($1)", name) == value
    await store.close()


# ── Schema ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_engines_that_start_at_once_migrate_once(empty_database: str) -> None:
    stores = [PostgresStore(empty_database, SystemClock()) for _ in range(3)]
    await asyncio.gather(*(store.open() for store in stores))
    await know(stores[0])
    await queue(stores[1], run := make_run())
    assert await ids(stores[2]) == [run.id]
    assert (await look_at(read_address(empty_database))).schema == len(KNOWN)
    await asyncio.gather(*(store.close() for store in stores))


async def test_data_of_an_older_schema_survives(postgres_url: str, monkeypatch: pytest.MonkeyPatch, admin: Any) -> None:
    store = PostgresStore(postgres_url, SystemClock())
    await store.open()
    await know(store)
    await queue(store, run := make_run())
    monkeypatch.setattr(database, "read_migrations", lambda package: [*KNOWN, NEXT])
    address = read_address(postgres_url)
    connection = await connect(address)
    try:
        await migrate(connection, address)
        assert await schema_number(connection) == NEXT.number
        # An engine of the version before goes on: upgrades are made one engine at a time.
        await queue(store, later := make_run())
        assert await ids(store) == [later.id, run.id]
        monkeypatch.setattr(database, "read_migrations", lambda package: KNOWN)
        with pytest.raises(StoreUnavailable, match="newer version"):
            await migrate(connection, address)
    finally:
        await connection.close()
        await store.close()
        await admin.execute("ALTER TABLE runs DROP COLUMN nickname; DROP TABLE extra")
        await admin.execute("DELETE FROM mulligan_migrations WHERE number = $1", NEXT.number)


async def test_a_migration_that_fails_leaves_nothing_of_itself(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = read_address(empty_database)
    connection = await connect(address)
    await migrate(connection, address)
    broken = Migration(NEXT.number, "broken", f"{NEXT.script}; SELECT 1 / 0")
    monkeypatch.setattr(database, "read_migrations", lambda package: [*KNOWN, broken])
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(connection, address)
    assert await schema_number(connection) == len(KNOWN)
    assert await connection.fetchval("SELECT to_regclass('extra') IS NULL")
    await connection.close()


async def test_tables_of_something_else_are_left_alone(empty_database: str) -> None:
    connection = await asyncpg.connect(empty_database)
    await connection.execute("CREATE TABLE workers (name text)")
    store = PostgresStore(empty_database, SystemClock())
    with pytest.raises(StoreUnavailable) as refused:
        await store.open()
    assert refused.value.code == "foreign_database"
    assert await connection.fetchval("SELECT to_regclass('mulligan_migrations') IS NULL")
    await connection.execute("CREATE SCHEMA mulligan")
    store = PostgresStore(f"{empty_database}&search_path=mulligan", SystemClock())
    await store.open()
    await know(store)
    await store.close()
    assert await connection.fetchval("SELECT count(*) FROM mulligan.versions") == 1
    await connection.close()


# ── Time and news ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_clock_is_put_right_by_that_of_the_database(
    postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    truth, clock = SystemClock(), SystemClock()
    clock.correct(timedelta(hours=-2))
    store = PostgresStore(postgres_url, clock)
    with caplog.at_level(logging.WARNING, "mulligan.stores"):
        await store.open()
    assert abs(truth.now() - clock.now()) < timedelta(seconds=1)
    assert "this machine's clock is 7200" in caplog.text
    await store.close()


async def test_the_quickest_look_at_the_clock_is_believed(postgres_url: str) -> None:
    clock = SystemClock()
    address = read_address(postgres_url)
    connection = await connect(address)
    for _ in range(3):
        await go_by_database(connection, address, clock)
    theirs = await connection.fetchval("SELECT clock_timestamp()")
    assert abs(clock.now() - theirs) < timedelta(seconds=1)
    await connection.close()


class Watched(SystemClock):
    """Says each time that it has been compared with the database's."""

    def __init__(self) -> None:
        super().__init__()
        self.corrections: asyncio.Queue[timedelta] = asyncio.Queue()

    def correct(self, by: timedelta) -> None:
        super().correct(by)
        self.corrections.put_nowait(by)

    async def compared(self, times: int) -> None:
        async with asyncio.timeout(5):
            for _ in range(times):
                await self.corrections.get()


async def test_the_clock_is_looked_at_though_there_are_always_news(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One worker that beats is enough for that."""
    monkeypatch.setattr(wakeups, "CHECK_EVERY", timedelta(milliseconds=200))
    clock = Watched()
    busy = PostgresStore(postgres_url, clock)

    def keep_talking(_: News | None) -> None:
        busy._wakeups.tell(News(Committed(workers=frozenset({"ann"}))))

    busy.listen(keep_talking)
    await busy.open()
    ear = await connect(read_address(postgres_url))
    await ear.add_listener(wakeups.CHANNEL, lambda *_: keep_talking(None))
    await clock.compared(5)
    await ear.close()
    await busy.close()


async def test_the_clock_is_looked_at_as_soon_as_the_database_is_back(postgres_url: str, admin: Any) -> None:
    """A machine that was suspended finds its connections dead, and its own clock where it had stopped."""
    clock = Watched()
    store = PostgresStore(postgres_url, clock)
    store.listen(lambda _: None)
    await store.open()
    await clock.compared(2)
    await admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'mulligan news' AND datname = current_database()"
    )
    await clock.compared(1)
    await store.close()


async def test_news_of_a_commit_reach_the_other_engine_and_not_oneself(postgres_url: str) -> None:
    mine, theirs = PostgresStore(postgres_url, SystemClock()), PostgresStore(postgres_url, SystemClock())
    heard_by_me: asyncio.Queue[News | None] = asyncio.Queue()
    heard_by_them: asyncio.Queue[News | None] = asyncio.Queue()
    mine.listen(heard_by_me.put_nowait)
    theirs.listen(heard_by_them.put_nowait)
    await mine.open()
    await theirs.open()
    assert [await heard_by_me.get(), await heard_by_them.get()] == [None, None]  # listening: look at everything once
    await know(mine)
    await queue(mine, run := make_run())
    news = await heard_by_them.get()
    assert news is not None
    assert news == News(Committed(runs=frozenset({("default", run.id)})), routes=frozenset({"greet/say"}))
    assert heard_by_me.empty()
    [step] = await commit(theirs, Changes(), [claim()])
    news = await heard_by_me.get()
    assert news == News(Committed(runs=frozenset({("default", step.run_id)})))
    await mine.close()
    await theirs.close()


async def test_listening_goes_on_when_its_connection_was_cut(
    postgres_url: str, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wakeups, "AGAIN", timedelta(milliseconds=10))
    mine, theirs = PostgresStore(postgres_url, SystemClock()), PostgresStore(postgres_url, SystemClock())
    heard: asyncio.Queue[News | None] = asyncio.Queue()
    heard_by_them: asyncio.Queue[News | None] = asyncio.Queue()
    mine.listen(heard.put_nowait)
    theirs.listen(heard_by_them.put_nowait)
    await mine.open()
    assert await heard.get() is None
    await admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'mulligan news' AND datname = current_database()"
    )
    assert await heard.get() is None, "it has missed something, perhaps"
    await theirs.open()
    assert await heard_by_them.get() is None, "from now on they tell, too"
    await know(theirs)
    await queue(theirs, run := make_run())
    while (news := await heard.get()) is None or ("default", run.id) not in news.committed.runs:
        pass
    await mine.close()
    await theirs.close()


async def test_each_outage_is_told_of_once_and_nothing_ends_the_listening(
    postgres_url: str, admin: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(wakeups, "AGAIN", timedelta(milliseconds=10))
    store = PostgresStore(postgres_url, SystemClock())
    heard: asyncio.Queue[News | None] = asyncio.Queue()
    store.listen(heard.put_nowait)
    await store.open()
    assert await heard.get() is None

    async def outage(trouble: type[Exception]) -> list[str]:
        """The levels of what is logged: some attempts to connect are in vain, and then one is not."""
        attempts: asyncio.Queue[None] = asyncio.Queue()

        async def refuse(*_: object) -> None:
            attempts.put_nowait(None)
            raise trouble("refused")

        caplog.clear()
        async with asyncio.timeout(5):
            with monkeypatch.context() as patch:
                patch.setattr(wakeups, "connect", refuse)
                await admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE application_name = 'mulligan news' AND datname = current_database()"
                )
                for _ in range(3):
                    await attempts.get()
            assert await heard.get() is None
        return [record.levelname for record in caplog.records if "no news of other engines" in record.message]

    assert [await outage(ConnectionRefusedError), await outage(ConnectionRefusedError)] == [["WARNING"], ["WARNING"]]
    assert "ERROR" in await outage(ValueError)
    await store.close()


async def test_who_could_not_be_told_is_told_that_anything_may_have_happened(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wakeups, "AGAIN", timedelta(milliseconds=10))
    teller, hearer = (Wakeups(read_address(postgres_url), SystemClock()) for _ in range(2))
    heard: asyncio.Queue[News | None] = asyncio.Queue()
    hearer.listen(heard.put_nowait)
    teller.listen(lambda _: None)
    hearer.start()
    assert await heard.get() is None

    class Refusing:
        is_asked = asyncio.Event()

        async def fetch(self, *_: object, **__: object) -> None:
            self.is_asked.set()
            raise ConnectionResetError("cut off while it told")

    with monkeypatch.context() as patch:
        patch.setattr(wakeups, "TELL_ENGINES", Refusing())
        teller.start()
        teller.tell(News(Committed(), frozenset({"a route"})))
        await Refusing.is_asked.wait()
    async with asyncio.timeout(5):
        assert await heard.get() is None
    await teller.stop()
    await hearer.stop()


def test_news_are_told_in_parts_that_are_not_too_large() -> None:
    runs = frozenset(("namespace" * 5, f"{number:026d}") for number in range(1_000))
    first = News(Committed(runs, workers=frozenset({"a"})), frozenset({"r"}))
    told = list(payloads([first, News(Committed(groups=frozenset({"b"})))]))
    assert max(len(payload.encode()) for payload in told) < 8_000
    read = [news for payload in told if (news := read_payload(payload)) is not None]
    assert frozenset[tuple[str, str]]().union(*(news.committed.runs for news in read)) == runs
    assert (read[0].routes, read[0].committed.workers) == (frozenset({"r"}), frozenset({"a"}))
    assert read[0].committed.groups == frozenset({"b"})


def test_what_is_too_large_or_not_understood_means_anything() -> None:
    routes = frozenset(f"route {number} " + "x" * 100 for number in range(100))
    assert [read_payload(payload) for payload in payloads([News(Committed(), routes)])] == [None]
    assert read_payload("") is None
    assert read_payload("[1, 2]") is None


# ── Text ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("text", ["", "plain", "\0", "a\0\x1f\x1e\ufdd0b", "\ufdd0\ufdd1", "\ufdd6\ufdd0"])
def test_free_text_comes_back(text: str) -> None:
    written = escape(text)
    assert not {"\0", "\x1e", "\x1f"} & set(written)
    assert unescape(written) == text


def test_a_name_that_cannot_be_sent_is_refused() -> None:
    assert joined(["a", None, ""]) == "a\x1f\x1e\x1f"
    assert joined([]) is None
    with pytest.raises(InvalidInput):
        joined(["a\x1fb"])
