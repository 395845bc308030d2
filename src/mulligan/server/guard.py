"""What stands before every request: the path prefix, the allow-list of hosts, and the headers of every answer."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mulligan.server.endpoint import PROBLEM
from mulligan.server.problems import problem
from mulligan.server.site import ServerSettings
from mulligan.wire.rest.codec import write

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})

# Styles are put in by the editor and the graph at run time; scripts never are.
# `base-uri 'self'` and not 'none', because the page's own <base> carries the path prefix.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'self'; form-action 'self'"
)
HEADERS = (
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)


class Guard:
    """``inner`` sees paths without the prefix, whether or not a proxy has taken it away already."""

    def __init__(self, inner: ASGIApp, settings: ServerSettings) -> None:
        self._inner = inner
        self._prefix = settings.base_path.rstrip("/")
        self._hosts = LOOPBACK_HOSTS | {host.lower() for host in settings.public_hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._inner(scope, receive, send)
            return
        host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
        inner: ASGIApp = self._inner if self._is_ours(host) else _misdirected(host)
        await inner({**scope, "path": self._stripped(scope["path"])}, receive, _with_headers(send))

    def _is_ours(self, host: str) -> bool:
        """With the port or without it: `localhost` stands for `localhost:8420`."""
        host = host.lower()
        name, colon, port = host.rpartition(":")
        return host in self._hosts or bool(colon and port.isdecimal() and name in self._hosts)

    def _stripped(self, path: str) -> str:
        if self._prefix and (path == self._prefix or path.startswith(f"{self._prefix}/")):
            return path[len(self._prefix) :] or "/"
        return path


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS:
                headers.setdefault(name, value)
        await send(message)

    return send_with_headers


def _misdirected(host: str) -> ASGIApp:
    """A page of another site whose name was made to point here would see this instead of the data."""
    detail = f"This server does not answer for the host {host!r}. Add it to the setting public_hosts if it should."
    return Response(write(problem(421, "misdirected", detail)), 421, media_type=PROBLEM)
