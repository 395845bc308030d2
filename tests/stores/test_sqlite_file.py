"""What only a file can get wrong: who owns it, what it is, and what is left of it after a crash."""

import asyncio
import itertools
import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from mulligan.core.facts import Changes
from mulligan.errors import StoreUnavailable
from mulligan.stores.sqlite import SqliteStore, database, writer
from mulligan.testing.exercise_store.talk import claim, commit, ids, know, queue
from mulligan.testing.factories import changes, make_run


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "mulligan.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path)
    await store.open()
    yield store
    await store.close()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@contextmanager
def engine_to_kill(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process of its own that commits to the database as fast as it can, until it is killed."""
    script = Path(__file__).with_name("commit_until_killed.py")
    with subprocess.Popen([sys.executable, script, path], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def acknowledgements(process: subprocess.Popen[str], count: int | None = None) -> list[str]:
    """The ids of the next ``count`` runs that were acknowledged; all that are left when the process has ended."""
    assert process.stdout is not None
    return [line.strip() for line in itertools.islice(process.stdout, count) if line.endswith("\n")]


async def refusal(path: Path) -> StoreUnavailable:
    store = SqliteStore(path)
    with pytest.raises(StoreUnavailable) as refused:
        await store.open()
    return refused.value


async def test_every_acknowledged_commit_survives_a_kill(path: Path) -> None:
    with engine_to_kill(path) as process:
        acknowledged = acknowledgements(process, 200)
        process.send_signal(signal.SIGKILL)
        acknowledged += acknowledgements(process)
    store = SqliteStore(path)
    await store.open()
    kept = sorted(await ids(store))
    assert kept[: len(acknowledged)] == acknowledged
    assert len(kept) <= len(acknowledged) + 1, "at most the commit that was being made"
    refs = [(run_id, "before", 1) for run_id in kept]
    produced = await store.payloads(kept, refs)
    assert produced.inputs == {run_id: b'"%s"' % run_id.encode() * 50 for run_id in kept}
    assert produced.outputs == {ref: ref[0].encode() for ref in refs}
    leased = await commit(store, Changes(), [claim(slots=10_000)])
    assert sorted(step.run_id for step in leased) == kept
    await store.close()


async def test_what_was_written_is_there_after_opening_again(path: Path, store: SqliteStore) -> None:
    await know(store)
    await queue(store, run := make_run())
    await store.close()
    assert [file.name for file in path.parent.iterdir() if file.name.endswith("-wal")] == []
    await store.open()
    assert await ids(store) == [run.id]
    assert await store.ready_routes() == {"greet/say"}


async def test_a_second_engine_is_refused_and_told_who_is_first(path: Path, store: SqliteStore) -> None:
    refused = await refusal(path)
    assert refused.code == "store_locked"
    assert f"process {os.getpid()}," in str(refused)
    assert "MULLIGAN_URL" in str(refused)
    await commit(store, Changes())
    await store.close()
    await store.open()


async def test_the_lock_of_a_killed_engine_is_free(path: Path) -> None:
    with engine_to_kill(path) as process:
        acknowledgements(process, 1)
        assert f"process {process.pid}," in str(await refusal(path))
        process.send_signal(signal.SIGKILL)
    store = SqliteStore(path)
    await store.open()
    await store.close()


async def test_nobody_else_may_read_the_files(path: Path, store: SqliteStore) -> None:
    await know(store)
    await ids(store)
    files = {file.name: mode(file) for file in path.parent.iterdir()}
    assert files == dict.fromkeys(("mulligan.db", "mulligan.db-wal", "mulligan.db-shm", "mulligan.db.lock"), 0o600)
    assert mode(path.parent) == 0o700


async def test_a_database_that_anybody_may_read_is_closed_to_them(path: Path, store: SqliteStore) -> None:
    await store.close()
    os.chmod(path, 0o644)
    await store.open()
    assert mode(path) == 0o600


async def test_a_newer_schema_is_refused(path: Path, store: SqliteStore) -> None:
    await store.close()
    connection = apsw.Connection(str(path))
    connection.execute("INSERT INTO migrations (number, name) VALUES (999, 'from_the_future')")
    connection.close()
    refused = await refusal(path)
    assert refused.code == "newer_schema"
    assert "999" in str(refused)


async def test_a_database_of_something_else_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE recipes (name)")
    connection.close()
    with path.open("rb") as file:
        before = file.read()
        assert (await refusal(path)).code == "foreign_database"
        file.seek(0)
        assert file.read() == before


async def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.parent.mkdir()
    with path.open("wb") as file:
        file.write(b"Dear diary, " * 1_000)
    assert (await refusal(path)).code == "store_damaged"


async def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "lock file" in str(await refusal(tmp_path / "file" / "mulligan.db"))
    (tmp_path / "folder").mkdir()
    assert "cannot be read or written" in str(await refusal(tmp_path / "folder"))


async def test_an_old_sqlite_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apsw, "sqlite_lib_version", lambda: "3.51.2")
    assert "3.51.2" in str(await refusal(path))


async def test_a_network_file_system_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "file_system_of", lambda path: "nfs4")
    assert "nfs4" in str(await refusal(path))
    assert not path.parent.exists()


def test_the_file_system_is_that_of_the_nearest_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
        "2 1 0:40 / /srv rw shared:1 - nfs4 server:/srv rw\n"
        "3 1 0:41 / /srv/my\\040data rw - xfs /dev/sdb1 rw\n"
    )
    assert database.file_system_of(Path("/srv/app/mulligan.db"), mounts) == "nfs4"
    assert database.file_system_of(Path("/srv/my data/mulligan.db"), mounts) == "xfs"
    assert database.file_system_of(Path("/srvx/mulligan.db"), mounts) == "ext4"
    assert database.file_system_of(Path("/srv"), tmp_path / "nothing") is None


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file may grow beyond ``size`` bytes: writes fail as they do when the disk is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_full_disk_loses_nothing_and_work_goes_on_when_there_is_room(path: Path, store: SqliteStore) -> None:
    await know(store)
    await queue(store, before := make_run())
    large = make_run()
    room = path.with_name("mulligan.db-wal").stat().st_size + 200_000
    with full_disk(room):
        with pytest.raises(StoreUnavailable):
            await commit(store, changes((large, b"x" * 500_000)))
        assert await ids(store) == [before.id]
        await queue(store, small := make_run())
    await commit(store, changes((large, b"x" * 500_000)))
    assert set(await ids(store)) == {before.id, small.id, large.id}


async def test_sqlite_saying_full_is_told_as_a_full_disk(path: Path, store: SqliteStore) -> None:
    await know(store)
    pages = await store._writer.call(lambda connection: connection.pragma("page_count"))
    await store._writer.call(lambda connection: connection.pragma("max_page_count", pages))
    with pytest.raises(StoreUnavailable) as refused:
        await commit(store, changes((make_run(), b"x" * 500_000)))
    assert refused.value.code == "disk_full"
    assert await ids(store) == []


async def test_another_program_that_writes_makes_the_store_unavailable_for_as_long(
    path: Path, store: SqliteStore
) -> None:
    await know(store)
    await store._writer.call(lambda connection: connection.set_busy_timeout(0))
    intruder = apsw.Connection(str(path))
    intruder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="Another program"):
        await queue(store, make_run())
    intruder.execute("ROLLBACK")
    intruder.close()
    await queue(store, run := make_run())
    assert await ids(store) == [run.id]


async def test_a_commit_whose_caller_has_gone_is_whole_or_not_there(store: SqliteStore) -> None:
    await know(store)
    runs = [make_run() for _ in range(20)]
    for run in runs:
        task = asyncio.create_task(queue(store, run))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
    await queue(store, last := make_run())
    found = await ids(store)
    assert last.id in found
    facts = await store.facts(found)
    assert all(set(each.open) == {"say"} for each in facts.values())


async def test_the_log_is_cut_off_when_nothing_is_to_do(
    path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "IDLE_S", 0.001)
    await know(store)
    wal = path.with_name("mulligan.db-wal")
    while wal.stat().st_size > 0:
        await store.next_due_at()
    await queue(store, run := make_run())
    assert await ids(store) == [run.id]


async def test_the_log_is_cut_off_when_nobody_reads_an_old_state_any_more(
    path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "IDLE_S", 0.001)
    tries: list[int] = []
    checkpoint = store._writer._checkpoint

    def counted(mode: int) -> None:
        checkpoint(mode)
        tries.append(mode)

    monkeypatch.setattr(store._writer, "_checkpoint", counted)
    wal = path.with_name("mulligan.db-wal")
    reader = database.connect_reader(path)
    with database.snapshot(reader):
        assert reader.execute("SELECT count(*) FROM runs").get == 0
        await know(store)
        while not tries:
            await store.next_due_at()
        assert wal.stat().st_size > 0
    reader.close()
    while wal.stat().st_size > 0:
        await store.next_due_at()


async def test_a_long_read_does_not_hold_up_writing(path: Path, store: SqliteStore) -> None:
    await know(store)
    reader = database.connect_reader(path)
    with database.snapshot(reader):
        assert reader.execute("SELECT count(*) FROM runs").get == 0
        for _ in range(3):
            await commit(store, changes(*[(make_run(), b"x" * 400) for _ in range(10_000)]))
        assert reader.execute("SELECT count(*) FROM runs").get == 0
    assert reader.execute("SELECT count(*) FROM runs").get == 30_000
    reader.close()


async def test_an_acknowledgement_means_on_disk(store: SqliteStore) -> None:
    """What no killed process can show: the system's cache survives it."""
    assert await store._writer.call(lambda connection: connection.pragma("journal_mode")) == "wal"
    assert await store._writer.call(lambda connection: connection.pragma("synchronous")) == 2


async def test_readers_cannot_write(path: Path, store: SqliteStore) -> None:
    reader = database.connect_reader(path)
    with pytest.raises(apsw.ReadOnlyError):
        reader.execute("DELETE FROM versions")
    reader.close()
