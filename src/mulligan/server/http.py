"""The table of endpoints as HTTP routes: reads the request, says who calls, and sends the reply."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import Route

from mulligan.errors import InvalidInput, MulliganError, Problem, Refused, TooLarge, Unauthorized
from mulligan.server.auth import NOBODY, FailureLimit, TooManyFailures, address_of, authenticate
from mulligan.server.endpoint import JSON, PROBLEM, Endpoint, Reply, problem_reply
from mulligan.server.problems import problem
from mulligan.server.site import Call, Caller, Site
from mulligan.wire.json_text import REQUEST
from mulligan.wire.rest.codec import write

API = "/api/v1"
log = logging.getLogger("mulligan.server")


class UnsupportedMediaType(Refused):
    """The body is not JSON as it stands."""

    code = "unsupported_media_type"
    status = 415


class Door:
    """Lets callers in: authenticates each request, and slows down those who guess tokens."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._limit = FailureLimit()

    async def enter(self, connection: HTTPConnection) -> Caller:
        """Raises Unauthorized, Forbidden, TooManyFailures."""
        try:
            return await authenticate(self.site, connection)
        except Unauthorized:
            self.count_failure(connection)
            raise

    def count_failure(self, connection: HTTPConnection) -> None:
        self._limit.count(address_of(connection), self.site.engine.clock.now())


Observe = Callable[[str, str, int, float], None]
"""Told of each request: method, path of the endpoint, status, seconds."""


def api_routes(endpoints: Iterable[Endpoint], door: Door, observe: Observe) -> list[Route]:
    """One route per path: a method that it does not have is answered with 405 and those that it has."""
    by_path: dict[str, dict[str, Endpoint]] = {}
    for endpoint in endpoints:
        by_path.setdefault(endpoint.path, {})[endpoint.method] = endpoint
    return [Route(path, _route(methods, door, observe), methods=list(methods)) for path, methods in by_path.items()]


def _route(methods: dict[str, Endpoint], door: Door, observe: Observe) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        endpoint = methods["GET" if request.method == "HEAD" else request.method]
        loop = asyncio.get_running_loop()
        began = loop.time()
        response = await _respond(endpoint, door, request)
        observe(endpoint.method, endpoint.path, response.status_code, loop.time() - began)
        return response

    return serve


async def _respond(endpoint: Endpoint, door: Door, request: Request) -> Response:
    try:
        return response_of(await _reply(endpoint, door, request))
    except MulliganError as error:
        return refusal(error, request)
    except ClientDisconnect:
        return Response(status_code=400)
    except Exception as error:
        log.exception("%s %s failed", request.method, endpoint.path)
        return own_fault(error, door)


async def _reply(endpoint: Endpoint, door: Door, request: Request) -> Reply:
    caller = NOBODY if endpoint.scope is None else await door.enter(request)
    body = b""
    if endpoint.body is not None:
        _require_json(request)
        body = await _read_body(request)
    reply = await endpoint.reply(
        Call(door.site, caller),
        request.path_params,
        request.query_params,
        body,
        _key_of(request),
        request.url.path,
    )
    if reply.status == Unauthorized.status:
        door.count_failure(request)
    return reply


def _key_of(request: Request) -> str | None:
    """In UTF-8, as in a body; a framework takes headers for Latin-1."""
    text = request.headers.get("idempotency-key")
    if text is None:
        return None
    try:
        return text.encode("latin-1").decode()
    except UnicodeDecodeError:
        rule = "it is no text in UTF-8"
        problems = (Problem("", rule, "Idempotency-Key"),)
        raise InvalidInput(f"The Idempotency-Key header does not fit: {rule}.", problems=problems) from None


def _require_json(request: Request) -> None:
    """Also for empty bodies: a form of another site can be empty, but cannot say that it is JSON."""
    content_type = request.headers.get("content-type")
    if content_type is not None and content_type.partition(";")[0].strip().lower() != JSON:
        raise UnsupportedMediaType(f"The body is {content_type}; only {JSON} is understood.")
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise UnsupportedMediaType(f"The body is compressed ({encoding}); send it as it is.")


async def _read_body(request: Request) -> bytes:
    """The body, unless it is too large: that is noticed before it has been read."""
    length = request.headers.get("content-length", "0")
    too_large = TooLarge(f"The request body is larger than {REQUEST.size:,} bytes. Split the request.")
    if length.isdecimal() and int(length[:20]) > REQUEST.size:
        raise too_large
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > REQUEST.size:
            raise too_large
        parts.append(part)
    body = b"".join(parts)
    if body and "content-type" not in request.headers:
        raise UnsupportedMediaType(f"The body has no Content-Type; say {JSON}.")
    return body


# ── Answers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def response_of(reply: Reply) -> Response:
    response = Response(reply.body, reply.status, media_type=reply.content_type or None)
    for name, value in reply.headers:
        response.headers.append(name, value)
    response.headers["Cache-Control"] = "no-store"
    return response


def refusal(error: MulliganError, request: HTTPConnection) -> Response:
    response = response_of(problem_reply(error, request.url.path))
    if isinstance(error, Unauthorized):
        response.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooManyFailures):
        response.headers["Retry-After"] = str(int(FailureLimit.WINDOW.total_seconds()))
    return response


async def not_served(request: Request, error: Exception) -> Response:
    """What the router itself refuses: no such path, no such method."""
    assert isinstance(error, HTTPException)
    codes = {404: "not_found", 405: "method_not_allowed"}
    details = {
        404: f"There is nothing at {request.url.path}. The API begins at {API}.",
        405: f"{request.method} cannot be done with {request.url.path}.",
    }
    code = codes.get(error.status_code, "refused")
    detail = details.get(error.status_code, str(error.detail))
    body = write(problem(error.status_code, code, detail, instance=request.url.path))
    response = response_of(Reply(error.status_code, body, PROBLEM))
    response.headers.update(error.headers or {})
    return response


def own_fault(error: Exception, door: Door) -> Response:
    """A bug of ours. The log has the traceback; callers see it in `dev` only, and even there just its last line."""
    detail = "The server made a mistake; nothing you sent is to blame. Its log has the details."
    if door.site.settings.mode == "dev":
        detail += f" ({type(error).__name__}: {error})"
    return response_of(Reply(500, write(problem(500, "internal", detail)), PROBLEM))
