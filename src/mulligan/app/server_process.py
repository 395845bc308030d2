"""A process that serves an engine over HTTP: what ``mulligan server`` is, and the larger part of ``mulligan dev``."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import uvicorn

from mulligan.app.address import ServerAddress, remove_address, write_address
from mulligan.app.compose import admit_owner, running_engine, server_settings
from mulligan.app.listening import Mode, address_of, check_exposure, listen
from mulligan.app.settings import Settings
from mulligan.app.signals import stop_signals
from mulligan.core.limits import FRAME
from mulligan.engine.api import Engine
from mulligan.errors import InvalidInput
from mulligan.server.app import ServerApp, create_app

log = logging.getLogger("mulligan.app")

GOODBYE_S = 5
"""How long requests that are under way may take to end when the server stops."""


@dataclass(frozen=True, slots=True)
class Served:
    """A server that answers. ``url`` has no slash at its end; ``token`` lets the owner of the data folder in."""

    app: ServerApp
    url: str
    token: str

    @property
    def engine(self) -> Engine:
        return self.app.site.engine

    @property
    def one_click_url(self) -> str:
        """The dashboard, signed in: browsers never send what stands behind ``#``, so no log will have it."""
        return f"{self.url}/#token={self.token}"


class HttpServer(uvicorn.Server):
    """uvicorn without hands on the process's signals, which also concern workers and the engine."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(settings: Settings, mode: Mode, i_know: bool = False) -> AsyncIterator[Served]:
    """An engine and its HTTP server, both on the running loop, until the end of the block.

    Raises ``errors.InvalidInput`` (port taken, unsafe host, bad token file or certificate) and
    ``errors.StoreUnavailable`` (database held by another process), each with what to do.
    """
    check_exposure(settings, mode, i_know)
    sockets = listen(settings)
    try:
        async with running_engine(settings) as engine:
            token = await admit_owner(engine, settings)
            app = create_app(engine, server_settings(settings, mode, token))
            http = HttpServer(_configure(app, settings))
            task = asyncio.create_task(http.serve(sockets), name="mulligan-http")
            url = address_of(sockets, settings)
            write_address(settings.address_file, ServerAddress(url, os.getpid(), mode))
            try:
                yield Served(app, url, token)
            finally:
                remove_address(settings.address_file, os.getpid())
                http.should_exit = True
                await app.close()
                await task
    finally:
        for one in sockets:
            one.close()


async def run_server(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM."""
    with stop_signals() as stop:
        async with serving(settings, "production") as served:
            log.info("serving %s at %s", settings.database_shown, served.url)
            log.info(
                "the owner's token is in %s; make others with `mulligan tokens create`", settings.server_token_file
            )
            await stop.wait()


def _configure(app: ServerApp, settings: Settings) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        ws="websockets-sansio",
        ws_max_size=FRAME,
        ws_per_message_deflate=False,  # small frames on fast networks: compressing them only costs
        proxy_headers=settings.behind_proxy,
        # Who may say in whose name it speaks: a proxy on this machine, unless FORWARDED_ALLOW_IPS names others.
        forwarded_allow_ips=os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1,::1"),
        timeout_graceful_shutdown=GOODBYE_S,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        raise InvalidInput(f"The certificate or its key cannot be used: {error}. Check tls_cert and tls_key.") from None
    return config
