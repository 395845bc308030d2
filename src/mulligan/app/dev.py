"""``mulligan dev``: engine, server and worker in one process, and the worker anew whenever the code is saved.

The engine and its server have a thread and loop of their own. The main thread imports the user's code, as Python
programs expect, and watches its files.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Protocol

from watchfiles import PythonFilter, awatch

from mulligan.app.loading import AppPlace, load_app, modules_of
from mulligan.app.local import LocalEngine, LocalTransport, local_engine
from mulligan.app.news import news
from mulligan.app.resident import Resident
from mulligan.app.server_process import Served, serving
from mulligan.app.settings import Settings
from mulligan.app.signals import stop_signals
from mulligan.core.records import Run
from mulligan.errors import MulliganError
from mulligan.sdk.app import Mulligan
from mulligan.sdk.client.client import Client
from mulligan.sdk.worker.threads import WorkerThread

log = logging.getLogger("mulligan.dev")

QUIET_MS = 200
"""Editors write a file in several strokes: this long nothing may have changed before the code is read."""


class Screen(Protocol):
    """What the developer is shown."""

    def ready(self, served: Served) -> None:
        """The server answers; no code has been loaded yet."""

    def loaded(self, app: Mulligan, again: bool) -> None:
        """The app has been imported and its worker is starting."""

    def ended(self, runs: Sequence[Run], more: int) -> None:
        """Runs have ended, and ``more`` were not looked at. Called on the engine's thread."""

    def broken(self, error: MulliganError, again: bool) -> None:
        """The app cannot be imported; the code of before, if there was any, goes on."""


class Generation:
    """One import of the app and the worker that runs its steps, on the engine of this process."""

    def __init__(self, app: Mulligan, transport: LocalTransport, settings: Settings) -> None:
        self._grace = settings.grace
        with ExitStack() as undo:
            undo.enter_context(app.use(Client(app), transport, app.clock))
            self._worker = WorkerThread(app, slots=settings.slots)
            self._undo = undo.pop_all()

    async def drain(self) -> None:
        """Let what runs finish on this generation's code."""
        await asyncio.to_thread(self._worker.stop, self._grace)
        self._undo.close()


class Developing:
    """The current generation and those that still drain."""

    def __init__(self, place: AppPlace, served: Served, local: LocalEngine, settings: Settings, screen: Screen) -> None:
        self._place = place
        self._served = served
        self._local = local
        self._settings = settings
        self._screen = screen
        self._current: Generation | None = None
        self._draining: set[asyncio.Task[None]] = set()
        self._broken = True

    def load(self) -> None:
        """Import the app and put its worker in the place of the one before; a broken app changes nothing."""
        again = self._current is not None
        try:
            app = load_app(self._place)
            app.definitions()  # now and not in the worker, so that a mistake is shown here
            fresh = Generation(app, self._transport(), self._settings)
        except MulliganError as error:
            self._broken = True
            self._screen.broken(error, again)
            return
        self._broken = False
        before, self._current = self._current, fresh
        if before is not None:
            task = asyncio.create_task(before.drain(), name="mulligan-drain")
            self._draining.add(task)
            task.add_done_callback(self._draining.discard)
        self._screen.loaded(app, again)

    def concerns(self, changed: set[Path]) -> bool:
        """Whether the app has to be imported again. A broken one may wait for any file."""
        return self._broken or not changed.isdisjoint(modules_of(self._place))

    async def drain(self) -> None:
        if self._current is not None:
            await self._current.drain()
        await asyncio.gather(*self._draining)

    def _transport(self) -> LocalTransport:
        return LocalTransport(self._local, self._served.url, slots_here=0, on_close=lambda: None)


async def run_dev(place: AppPlace, settings: Settings, screen: Screen, i_know: bool = False) -> None:
    """Serve and run the app until SIGINT or SIGTERM; then let running steps finish within ``settings.grace``.

    Raises ``errors.InvalidInput`` (port taken, unsafe host) and ``errors.StoreUnavailable`` (database held by another
    process), each with what to do. An app that cannot be imported is shown and waited for.
    """
    # Bytecode is kept by the second: two saves within one would run the older code.
    sys.dont_write_bytecode = True
    with stop_signals() as stop:
        resident = Resident("mulligan-server", lambda: _served_locally(settings, screen, i_know))
        try:
            served, local = resident.value
            screen.ready(served)
            developing = Developing(place, served, local, settings, screen)
            saves = awatch(
                place.folder, watch_filter=PythonFilter(), stop_event=stop, debounce=QUIET_MS, raise_interrupt=False
            )
            # The first step of this task begins to watch, so that nothing which is saved during the import is missed.
            next_save = asyncio.ensure_future(anext(saves, None))
            await asyncio.sleep(0)
            developing.load()
            while (changes := await next_save) is not None:
                if developing.concerns({Path(path) for _, path in changes}):
                    developing.load()
                next_save = asyncio.ensure_future(anext(saves, None))
            await developing.drain()
        finally:
            await asyncio.to_thread(resident.stop)


@asynccontextmanager
async def _served_locally(
    settings: Settings, screen: Screen, i_know: bool
) -> AsyncIterator[tuple[Served, LocalEngine]]:
    async with (
        serving(settings, "dev", i_know) as served,
        local_engine(served.app.site, settings.namespace) as local,
        news(served.engine, settings.namespace, screen.ended),
    ):
        yield served, local
