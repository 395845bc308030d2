"""A server over the network: the session protocol on a WebSocket, everything else as REST requests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from mulligan.errors import Refused, Unavailable
from mulligan.sdk.transports.link import Link

if TYPE_CHECKING:
    import httpx2

API = "/api/v1"
TIMEOUT_S = 30.0


class RemoteTransport:
    """``ClientTransport`` for a server at ``url``. Connects when it is used."""

    worker_loop: asyncio.AbstractEventLoop | None = None
    slots_here = 0

    def __init__(self, url: str, token: str | None) -> None:
        """Raises ``Refused`` for what is no http(s) address."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Refused(
                f"{url!r} is not the address of a server. Write it like http://127.0.0.1:8420 (in MULLIGAN_URL or "
                "Mulligan(url=…)).",
                code="bad_url",
            )
        self.address = url.rstrip("/")
        self._token = token
        self._socket_url = urlunsplit(
            ("wss" if parts.scheme == "https" else "ws", parts.netloc, f"{parts.path.rstrip('/')}{API}/connect", "", "")
        )
        self._lock = threading.Lock()
        self._http: httpx2.Client | None = None

    def link(self) -> Link:
        from mulligan.sdk.transports.websocket import WebSocketLink

        return WebSocketLink(self._socket_url, self._headers(), self.address)

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        idempotency_key: str | None = None,
    ) -> tuple[int, bytes]:
        """On a thread, so that one connection pool serves any number of event loops, and outlives each."""
        headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return await asyncio.to_thread(self._request, method, path, query, body, headers)

    def _request(
        self, method: str, path: str, query: Mapping[str, str] | None, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        import httpx2

        try:
            answer = self._client().request(
                method, f"{self.address}{API}{path}", params=dict(query or {}), content=body, headers=dict(headers)
            )
        except httpx2.HTTPError as error:
            raise Unavailable(
                f"No answer from the server at {self.address} ({type(error).__name__}: {error}). Is it running? Start "
                "it with `mulligan server`, or check MULLIGAN_URL."
            ) from error
        return answer.status_code, answer.content

    def _client(self) -> httpx2.Client:
        import httpx2

        with self._lock:
            if self._http is None:
                self._http = httpx2.Client(headers=self._headers(), timeout=TIMEOUT_S)
            return self._http

    def _headers(self) -> dict[str, str]:
        return {} if self._token is None else {"Authorization": f"Bearer {self._token}"}

    def close(self) -> None:
        with self._lock:
            client, self._http = self._http, None
        if client is not None:
            client.close()
