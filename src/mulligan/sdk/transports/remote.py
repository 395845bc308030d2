"""A server over the network: the session protocol on a WebSocket, everything else as REST requests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mulligan.errors import Unavailable
from mulligan.sdk.transports.link import Link
from mulligan.sdk.transports.replicas import API, Replicas

if TYPE_CHECKING:
    import httpx2

TIMEOUT_S = 30.0
KEY = b"Idempotency-Key"
Headers = Mapping[bytes, bytes]


class Unanswered(Unavailable):
    """``may_be_repeated``: it has not arrived, or arriving twice would make no difference."""

    may_be_repeated = False


class RemoteTransport:
    """``ClientTransport`` for a server, or several replicas, at ``url``. Connects when it is used."""

    worker_loop: asyncio.AbstractEventLoop | None = None
    slots_here = 0

    def __init__(self, url: str, token: str | None) -> None:
        """Raises ``Refused`` for what is no http(s) address."""
        self._replicas = Replicas(url)
        self._token = token
        self._lock = threading.Lock()
        self._http: httpx2.Client | None = None

    @property
    def address(self) -> str:
        return self._replicas.current

    def link(self) -> Link:
        from mulligan.sdk.transports.websocket import WebSocketLink

        return WebSocketLink(self._replicas, self._headers())

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
        headers = {} if idempotency_key is None else {KEY: idempotency_key.encode()}
        if body is not None:
            headers[b"Content-Type"] = b"application/json"
        return await asyncio.to_thread(self._request, method, path, query, body, headers)

    def _request(
        self, method: str, path: str, query: Mapping[str, str] | None, body: bytes | None, headers: Headers
    ) -> tuple[int, bytes]:
        for _ in self._replicas.addresses[1:]:
            try:
                return self._ask(method, path, query, body, headers)
            except Unanswered as unanswered:
                if not unanswered.may_be_repeated:
                    raise
        return self._ask(method, path, query, body, headers)

    def _ask(
        self, method: str, path: str, query: Mapping[str, str] | None, body: bytes | None, headers: Headers
    ) -> tuple[int, bytes]:
        """Of one replica. Raises ``Unanswered``, and then the next request goes to the next one."""
        import httpx2

        address = self._replicas.current
        try:
            answer = self._client().request(
                method, f"{address}{API}{path}", params=dict(query or {}), content=body, headers=dict(headers)
            )
        except httpx2.HTTPError as error:
            self._replicas.leave(address)
            unanswered = Unanswered(
                f"No answer from the server at {address} ({type(error).__name__}: {error}). Is it running? Start it "
                "with `mulligan server`, or check MULLIGAN_URL."
            )
            never_sent = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout)
            unanswered.may_be_repeated = never_sent or method == "GET" or KEY in headers
            raise unanswered from error
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
