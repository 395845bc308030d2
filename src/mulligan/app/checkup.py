"""What can be said about an installation without asking a server: each finding with what to do about it."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Literal

from mulligan.app.address import read_address, read_token_file
from mulligan.app.settings import POSTGRES, SQLITE, LoadedSettings, Settings, unknown_variables
from mulligan.errors import MulliganError

OLDEST_PYTHON = (3, 11)
OLDEST_SQLITE = (3, 51, 3)
"""Before it, two connections that write or checkpoint at the same moment could corrupt a database in WAL mode."""
ENOUGH_SPACE = 1 << 30
LITTLE_SPACE = 100 << 20

Verdict = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the check-up. ``advice`` is what to do, for everything but ``ok``."""

    verdict: Verdict
    subject: str
    text: str
    advice: str = ""


def examine(loaded: LoadedSettings) -> Iterator[Finding]:
    """The findings about this machine, this folder and these settings, in the order in which to mend them."""
    settings = loaded.settings
    yield _python()
    yield from _settings()
    yield from _data_folder(settings)
    if settings.database_url.startswith(SQLITE):
        yield _sqlite()
        yield from _database_file(Path(settings.database_url.removeprefix(SQLITE)))
    elif settings.database_url.startswith(POSTGRES):
        yield from _postgres(settings)
    yield _space(settings.data)
    yield _dashboard()


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= OLDEST_PYTHON:
        return Finding("ok", "Python", version)
    return Finding("fail", "Python", version, "install Python 3.11 or newer")


def _sqlite() -> Finding:
    import apsw

    version = apsw.sqlite_lib_version()
    if tuple(int(part) for part in version.split(".")) >= OLDEST_SQLITE:
        return Finding("ok", "SQLite", version)
    return Finding("fail", "SQLite", f"{version} can corrupt a database", "pip install --upgrade apsw")


def _settings() -> Iterator[Finding]:
    for name in unknown_variables():
        yield Finding("warn", "settings", f"{name} is set, but there is no such setting", "see `mulligan config show`")


def _data_folder(settings: Settings) -> Iterator[Finding]:
    data = settings.data
    if not data.exists():
        yield Finding("ok", "data folder", f"{data} (made at the first start)")
        return
    if not data.is_dir() or not os.access(data, os.W_OK | os.X_OK):
        yield Finding("fail", "data folder", f"{data} is no folder that can be written to", "set MULLIGAN_DATA")
        return
    yield _privacy("data folder", data, "chmod 700")
    token = settings.server_token_file
    if token.exists():
        finding = _privacy("token", token, "chmod 600")
        empty = Finding("fail", "token", f"{token} is empty or unreadable", "remove it; the next start makes another")
        yield finding if read_token_file(token) else empty
    address = read_address(settings.address_file)
    if address is not None:
        yield Finding("ok", "server", f"process {address.pid} runs at {address.url}")


def _database_file(file: Path) -> Iterator[Finding]:
    if not file.exists():
        yield Finding("ok", "database", f"{file} (made at the first start)")
        return
    if not os.access(file, os.R_OK | os.W_OK):
        yield Finding(
            "fail", "database", f"{file} cannot be written to", f"chown it to the user of this process: {file}"
        )
        return
    yield _privacy("database", file, "chmod 600")


def _postgres(settings: Settings) -> Iterator[Finding]:
    try:
        from mulligan.stores.postgres.database import look_at, read_address
    except ModuleNotFoundError:
        yield Finding("fail", "PostgreSQL", "its driver is not installed", "pip install 'mulligan[postgres]'")
        return
    try:
        server = asyncio.run(look_at(read_address(settings.database_url)))
    except MulliganError as error:
        yield Finding("fail", "PostgreSQL", str(error), "see above")
        return
    yield _postgres_schema(server.version, server.schema, server.newest, server.may_create)
    for name in server.unsafe:
        text = f"{name} is off: what was acknowledged may be lost"
        yield Finding("warn", "PostgreSQL", text, f"switch {name} on in its configuration")


def _postgres_schema(version: str, schema: int, newest: int, may_create: bool) -> Finding:
    if schema > newest:
        text = f"{version}, schema {schema} was made by a newer Mulligan: this one knows {newest}"
        return Finding("fail", "PostgreSQL", text, "install the newer version here, too")
    if not may_create:
        text = f"{version}; the role may not create tables, and partitions are made all the time"
        return Finding("fail", "PostgreSQL", text, "let the role own the database, or a schema of its own")
    if schema == 0:
        return Finding("ok", "PostgreSQL", f"{version}, no schema yet (made at the first start)")
    if schema < newest:
        text = f"{version}, schema {schema} is behind this version's {newest}"
        return Finding("warn", "PostgreSQL", text, "run `mulligan migrate`, or let the next server do it that starts")
    return Finding("ok", "PostgreSQL", f"{version}, schema {schema}")


def _privacy(subject: str, path: Path, command: str) -> Finding:
    """Nobody but the owner has any business in the data folder: it holds inputs, results and tokens."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        return Finding("warn", subject, f"{path} is open to others ({mode:o})", f"{command} {path}")
    return Finding("ok", subject, str(path))


def _space(data: Path) -> Finding:
    folder = next(folder for folder in (data, *data.absolute().parents) if folder.exists())
    free = shutil.disk_usage(folder).free
    text = f"{free / (1 << 30):.1f} GiB free"
    if free >= ENOUGH_SPACE:
        return Finding("ok", "disk", text)
    verdict: Verdict = "warn" if free >= LITTLE_SPACE else "fail"
    return Finding(verdict, "disk", text, "make space, or set MULLIGAN_DATA to a larger disk")


def _dashboard() -> Finding:
    index = resources.files("mulligan") / "server" / "static" / "index.html"
    if index.is_file():
        return Finding("ok", "dashboard", "built")
    return Finding("warn", "dashboard", "not built: this is a source checkout", "make dashboard")
