"""Where a worker's session is driven: on the engine's loop if that is in this process, else in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import Future
from contextlib import suppress
from datetime import timedelta

from mulligan.errors import Unavailable
from mulligan.sdk.loops import LoopThread
from mulligan.sdk.worker.logs import start_capturing, stop_capturing
from mulligan.sdk.worker.session import WorkerSession
from mulligan.sdk.worker.worker import Worker

log = logging.getLogger("mulligan.worker")


class Driver:
    """Connects a worker and keeps it connected. All methods may be called from any thread."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._transport = worker.app.transport
        self._thread: LoopThread | None = None
        loop = self._transport.worker_loop
        if loop is None:
            self._thread = LoopThread("mulligan-link")
            loop = self._thread.loop
        self._loop = loop
        self._session: WorkerSession | None = None
        self._lock = threading.Lock()
        self._telling: asyncio.Task[None] | None = None
        self._asked = -1
        self._welcome: Future[None] = Future()
        self.ended: Future[None] = asyncio.run_coroutine_threadsafe(self._run(), loop)
        """Done when the worker has drained, or with the error that ended it."""

    def ready(self) -> Future[None] | None:
        """None if the engine has been told of everything that the program declares; else when it will have been.

        Raises DeclarationError for what has been declared since, and what ended the session, if it has.
        """
        app = self._worker.app
        if self._worker.told == app.revision and not self.ended.done():
            return None
        app.definitions()
        with self._lock:
            if self.ended.done():
                self.ended.result()
                raise Unavailable("This process is shutting down its worker; nothing was accepted.")
            if self._asked != app.revision:
                if self._asked >= 0:
                    self._loop.call_soon_threadsafe(self._tell_anew)
                if self._welcome.done():
                    self._welcome = Future()
                self._asked = app.revision
            return self._welcome

    def drain(self, grace: timedelta) -> Future[None]:
        """Let running steps finish within ``grace``, then leave."""
        return asyncio.run_coroutine_threadsafe(self._drain(grace), self._loop)

    def close(self) -> None:
        """End the session's thread."""
        self.ended.cancel()
        if self._thread is not None:
            self._thread.stop()

    async def _run(self) -> None:
        link = self._transport.link()
        self._session = WorkerSession(self._worker, link, self._worker.app.clock, self._welcomed)
        start_capturing()
        try:
            await self._session.run()
        except BaseException as error:
            with self._lock:
                if not self._welcome.done():
                    self._welcome.set_exception(error)
            raise
        finally:
            stop_capturing()

    def _welcomed(self) -> None:
        with self._lock:
            if self._worker.told == self._worker.app.revision and not self._welcome.done():
                self._welcome.set_result(None)

    def _tell_anew(self) -> None:
        session = self._session
        if session is not None and self._worker.told != self._worker.app.revision:
            self._telling = self._loop.create_task(session.reconnect())

    async def _drain(self, grace: timedelta) -> None:
        if self._session is not None:
            await self._session.drain(grace)
            with suppress(asyncio.CancelledError):
                await asyncio.wrap_future(self.ended)
