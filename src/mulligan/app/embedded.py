"""The engine inside a program: what ``Mulligan()`` uses when it is given no server.

One engine per database and process, on a thread of its own, shared by all who ask for it; it stops with the last of
them, and at the latest when the program ends.
"""

from __future__ import annotations

import os
import shlex
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mulligan.app.address import read_address
from mulligan.app.compose import running_engine, server_settings
from mulligan.app.local import LocalEngine, LocalTransport, local_engine
from mulligan.app.resident import Resident
from mulligan.app.settings import SQLITE, Settings, load_settings
from mulligan.errors import StoreUnavailable
from mulligan.sdk.leaving import before_exit, no_longer_before_exit
from mulligan.server.site import Site
from mulligan.server.tokens import TokenBook


@dataclass(slots=True)
class _Shared:
    """An engine and how many transports use it. ``process``: threads do not survive a fork."""

    resident: Resident[LocalEngine]
    users: int = 0
    process: int = field(default_factory=os.getpid)


_engines: dict[tuple[str, str], _Shared] = {}
_lock = threading.RLock()


def open_transport(database: str | None, namespace: str) -> LocalTransport:
    """A transport to the embedded engine on ``database`` (a URL or a path; default: what the settings say).

    Raises ``errors.StoreUnavailable`` when another process holds the database, and ``errors.InvalidInput`` for
    settings or a URL of no use; both say what to do.
    """
    settings = load_settings({"database": _as_url(database), "namespace": namespace}).settings
    url = settings.database_url
    place = str(Path(url.removeprefix(SQLITE)).resolve()) if url.startswith(SQLITE) else url
    key = (place, namespace)
    with _lock:
        shared = _engines.get(key)
        if shared is None or shared.process != os.getpid():
            shared = _engines[key] = _start(settings)
            # Workers start later, so they drain earlier, while their last reports are still taken.
            before_exit(shared.resident.stop)
        shared.users += 1

    def release() -> None:
        with _lock:
            shared.users -= 1
            if shared.users == 0 and _engines.get(key) is shared:
                del _engines[key]
                no_longer_before_exit(shared.resident.stop)
                shared.resident.stop()

    return LocalTransport(shared.resident.value, place, slots_here=settings.slots, on_close=release)


def _start(settings: Settings) -> _Shared:
    try:
        return _Shared(Resident("mulligan-engine", lambda: _engine_of(settings)))
    except StoreUnavailable as error:
        server = read_address(settings.address_file) if error.code == "store_locked" else None
        if server is None:
            raise
        token = shlex.quote(str(settings.server_token_file.absolute()))
        raise StoreUnavailable(
            f"The server at {server.url} (process {server.pid}) already runs on this database. To let this program use "
            "it, copy this line into its terminal and start it again; or stop that server, or choose another database "
            "with Mulligan(database=…).\n"
            f'  export MULLIGAN_URL={server.url} MULLIGAN_TOKEN="$(cat {token})"',
            code=error.code,
        ) from None


@asynccontextmanager
async def _engine_of(settings: Settings) -> AsyncIterator[LocalEngine]:
    async with running_engine(settings) as engine:
        # No HTTP is served here, hence no cookies either; the site is what requests and sessions are carried out on.
        site = Site(engine, server_settings(settings, "dev", token=""), TokenBook(engine))
        async with local_engine(site, settings.namespace) as local:
            yield local


def _as_url(database: str | None) -> str | None:
    return f"{SQLITE}{database}" if database is not None and "://" not in database else database
