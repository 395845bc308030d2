"""Everything that is served, put together as one ASGI application."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route, Router, WebSocketRoute
from starlette.types import Receive, Scope, Send

from mulligan.engine.api import Engine
from mulligan.errors import Forbidden, MulliganError
from mulligan.server.auth import is_loopback
from mulligan.server.cookies import cookie_name
from mulligan.server.endpoint import JSON
from mulligan.server.endpoints import ENDPOINTS
from mulligan.server.guard import Guard
from mulligan.server.health import LONGEST_LAG_S, loop_lag_s, why_not_ready
from mulligan.server.http import API, Door, api_routes, not_served, refusal
from mulligan.server.live import Live, topics_of
from mulligan.server.metrics import Metrics
from mulligan.server.openapi import openapi_document
from mulligan.server.session_socket import session_endpoint
from mulligan.server.site import ServerSettings, Site
from mulligan.server.static import BUILT, Dashboard
from mulligan.server.tokens import TokenBook


class ServerApp:
    """The ASGI application. ``close`` ends the live streams, which would otherwise keep a server from stopping."""

    def __init__(self, engine: Engine, settings: ServerSettings, dashboard: Path = BUILT) -> None:
        self.site = Site(engine, settings, TokenBook(engine))
        self.live = Live(self.site)
        self.dashboard = Dashboard(settings.base_path, dashboard)
        self._door = Door(self.site)
        self._metrics = Metrics(self.site, self.live)
        inner = Starlette(routes=self._routes(), exception_handlers={HTTPException: not_served})
        # A redirect to the address without its slash would forget the path prefix.
        inner.router.redirect_slashes = False
        self._app = Guard(inner, settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    async def close(self) -> None:
        await self.live.close()

    @cached_property
    def openapi(self) -> bytes:
        """The OpenAPI 3.1 document."""
        settings = self.site.settings
        return msgspec.json.encode(openapi_document(ENDPOINTS, settings.version, cookie_name(settings.cookie_key)))

    def _routes(self) -> list[BaseRoute]:
        return [
            Mount(API, Router(self._api_routes(), redirect_slashes=False)),
            Route("/healthz", self._show_health),
            Route("/readyz", self._show_readiness),
            Route("/metrics", self._show_metrics),
            Route("/{path:path}", self.dashboard.serve),
        ]

    def _api_routes(self) -> list[BaseRoute]:
        return [
            *api_routes(ENDPOINTS, self._door, self._metrics.observe),
            Route("/stream", self._stream),
            Route("/openapi.json", self._show_openapi),
            WebSocketRoute("/connect", session_endpoint(self._door)),
        ]

    async def _stream(self, request: Request) -> Response:
        """Server-sent events: ``run``, the hints of ``live.HINTS``, ``ping``; ``dropped`` before the server ends it."""
        try:
            caller = await self._door.enter(request)
            if not caller.may("read"):
                raise Forbidden("This token may not look: it lacks the scope 'read'.")
            events = self.live.stream(caller, topics_of(request.query_params.get("topics", "runs")))
        except MulliganError as error:
            return refusal(error, request)
        # Proxies must neither keep it nor hold it back.
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(events, media_type="text/event-stream", headers=headers)

    async def _show_openapi(self, request: Request) -> Response:
        return Response(self.openapi, media_type=JSON)

    async def _show_health(self, request: Request) -> Response:
        lag_s = await loop_lag_s()
        status = 200 if lag_s < LONGEST_LAG_S else 503
        return Response(msgspec.json.encode({"loop_lag_ms": round(lag_s * 1_000, 3)}), status, media_type=JSON)

    async def _show_readiness(self, request: Request) -> Response:
        reason = await why_not_ready(self.site.engine)
        body = {"ready": reason is None, "reason": reason}
        return Response(msgspec.json.encode(body), 200 if reason is None else 503, media_type=JSON)

    async def _show_metrics(self, request: Request) -> Response:
        """For tokens that may look; and for this machine without one, if nobody else can seem to be it."""
        # Also not where a proxy says that it speaks for this machine: some pass on what strangers tell them.
        is_ours = is_loopback(request) and not self.site.settings.behind_proxy
        try:
            if not is_ours and not (await self._door.enter(request)).may("read"):
                raise Forbidden("This token may not look: it lacks the scope 'read'.")
        except MulliganError as error:
            return refusal(error, request)
        return Response(self._metrics.text(), media_type=Metrics.content_type)


def create_app(engine: Engine, settings: ServerSettings, dashboard: Path = BUILT) -> ServerApp:
    """The server's ASGI application over a started engine, on whose loop it must run."""
    return ServerApp(engine, settings, dashboard)
