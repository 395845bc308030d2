"""The REST API without HTTP: the same table of endpoints, called by whoever holds the engine in its own process."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote

from mulligan.errors import NotFound
from mulligan.server.endpoint import problem_reply
from mulligan.server.endpoints import ENDPOINTS
from mulligan.server.site import ALL_SCOPES, Call, Caller, Site


class InProcess:
    """What ``sdk.transports.ClientTransport.request`` asks for, on the engine's own loop."""

    def __init__(self, site: Site, *, namespace: str, actor: str) -> None:
        self._call = Call(site, Caller(namespace, actor, frozenset(ALL_SCOPES)))

    async def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        idempotency_key: str | None = None,
    ) -> tuple[int, bytes]:
        """One call, ``path`` below ``/api/v1`` and percent-encoded: (status, JSON text)."""
        for endpoint in ENDPOINTS:
            found = endpoint.pattern.fullmatch(path) if endpoint.method == method else None
            if found is not None:
                names = {name: unquote(part) for name, part in zip(endpoint.path_names, found.groups(), strict=True)}
                reply = await endpoint.reply(self._call, names, query or {}, body or b"", idempotency_key)
                return reply.status, reply.body
        refusal = problem_reply(NotFound(f"There is no {method} {path} in the API. Are SDK and engine of one version?"))
        return refusal.status, refusal.body
