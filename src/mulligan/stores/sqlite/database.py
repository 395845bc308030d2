"""Opening the file: who may, what it must be, and what its errors mean to the engine."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from mulligan.errors import StoreConflict, StoreUnavailable
from mulligan.stores.migrations import pending, read_migrations

OLDEST_SQLITE = (3, 51, 3)
"""Before it, two connections that write or checkpoint at the same moment could corrupt the file (WAL reset race)."""

APPLICATION_ID = 0x4D4C474E

NETWORK_FILE_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "afs"})

WRITER_CACHE_KIB = 32 * 1024
READER_CACHE_KIB = 4 * 1024
"""Small, because there are several and the system caches the file for all of them."""

STATEMENTS_KEPT = 200
"""Prepared statements per connection: all of ours, and room for the filters that people make up."""


def own(path: Path) -> int:
    """Take the lock that says that one engine owns this database; returns the descriptor that holds it.

    ``flock`` and not ``lockf``: it also keeps out a second store in the same process.
    """
    check_place(path)
    lock_path = path.with_name(path.name + ".lock")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreUnavailable(f"The lock file {lock_path} cannot be opened: {error}. Check the folder.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        raise StoreUnavailable(
            f"The database {path} is in use by process {holder}, and a SQLite database has one engine only. "
            "Stop that process, or connect to it (run `mulligan server` and set MULLIGAN_URL), or choose another "
            "database file.",
            code="store_locked",
        ) from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def check_place(path: Path) -> None:
    """Refuse what would lose data: an old SQLite, a network file system."""
    version = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
    if version < OLDEST_SQLITE:
        raise StoreUnavailable(
            f"SQLite {apsw.sqlite_lib_version()} can corrupt a database in WAL mode. Install apsw from PyPI (it "
            f"brings its own SQLite), at least {'.'.join(map(str, OLDEST_SQLITE))}."
        )
    kind = file_system_of(path)
    if kind in NETWORK_FILE_SYSTEMS:
        raise StoreUnavailable(
            f"{path} is on a network file system ({kind}), where SQLite's locks and shared memory do not work. "
            "Choose a local folder, or use PostgreSQL."
        )


def file_system_of(path: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str | None:
    """The type of the file system that holds ``path``; None where the system does not tell (other than Linux)."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    real = os.path.realpath(path)
    found: tuple[int, str | None] = (-1, None)
    for line in lines:
        before, _, after = line.partition(" - ")
        mount = before.split()[4].replace("\\040", " ")
        inside = real == mount or real.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= found[0]:
            found = (len(mount), after.split()[0])
    return found[1]


def connect_writer(path: Path) -> apsw.Connection:
    """The one connection that writes, to a file that has the newest schema."""
    # SQLite gives its own new files (-wal, -shm) the mode of the database.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    path.chmod(0o600)
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE, statementcachesize=STATEMENTS_KEPT)
    connection.set_busy_timeout(5_000)
    check_owner(connection, path)
    for name, value in (
        ("journal_mode", "wal"),
        ("synchronous", "full"),
        ("cache_size", -WRITER_CACHE_KIB),
        ("temp_store", "memory"),
        ("journal_size_limit", 64 * 1024 * 1024),
    ):
        connection.pragma(name, value)
    migrate(connection, path)
    return connection


def check_owner(connection: apsw.Connection, path: Path) -> None:
    """Before anything is changed in it: is it empty, or ours?"""
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").get
    if tables and connection.pragma("application_id") != APPLICATION_ID:
        raise StoreUnavailable(
            f"{path} is a SQLite database of something else; it was left alone. Choose another file.",
            code="foreign_database",
        )


def connect_reader(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY, statementcachesize=STATEMENTS_KEPT)
    connection.set_busy_timeout(5_000)
    connection.pragma("query_only", True)
    connection.pragma("cache_size", -READER_CACHE_KIB)
    connection.pragma("temp_store", "memory")
    return connection


def migrate(connection: apsw.Connection, path: Path) -> None:
    """Bring the schema up to date, each migration in a transaction of its own."""
    begun = connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'migrations'").get
    applied = connection.execute("SELECT coalesce(max(number), 0) FROM migrations").get if begun else 0
    for migration in pending(read_migrations(__package__), applied, str(path)):
        with immediate(connection):
            connection.execute(migration.script)
            connection.execute(
                "INSERT INTO migrations (number, name) VALUES (?, ?)", (migration.number, migration.name)
            )


@contextmanager
def immediate(connection: apsw.Connection) -> Iterator[None]:
    """A transaction that holds the write lock from its beginning; undone whatever goes wrong in it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def snapshot(connection: apsw.Connection) -> Iterator[None]:
    """Several questions to one state: a run that ends in between is not shown with half of its end."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """What SQLite says, in the words of the port. Mistakes of ours (a wrong statement) stay as they are."""
    try:
        yield
    except apsw.ConstraintError as error:
        raise StoreConflict(f"The transaction conflicts with what is stored: {error}.") from error
    except apsw.FullError as error:
        raise StoreUnavailable(
            f"The disk that holds {path} is full. Free some space; nothing was lost and work goes on by itself.",
            code="disk_full",
        ) from error
    except (apsw.BusyError, apsw.LockedError) as error:
        raise StoreUnavailable(
            f"Another program holds a write lock on {path} ({error}). Close it: only one engine may write there."
        ) from error
    except (apsw.CorruptError, apsw.NotADBError, apsw.FormatError) as error:
        raise StoreUnavailable(
            f"{path} is damaged or not a SQLite database ({error}). Stop the engine and restore a backup.",
            code="store_damaged",
        ) from error
    except (
        OSError,
        apsw.IOError,
        apsw.CantOpenError,
        apsw.ReadOnlyError,
        apsw.PermissionsError,
        apsw.ProtocolError,
    ) as error:
        raise StoreUnavailable(
            f"{path} cannot be read or written ({error}). Check the disk and the file's owner and permissions."
        ) from error
