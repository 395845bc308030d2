"""Who is calling over HTTP: a token in the Authorization header, or the dashboard's cookie from our own pages."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

from starlette.requests import HTTPConnection

from mulligan.core.records import AccessToken
from mulligan.errors import Forbidden, Refused, Unauthorized
from mulligan.server.cookies import cookie_name, unseal
from mulligan.server.site import ALL_SCOPES, Caller, Site

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
NOBODY = Caller(namespace="", actor="", scopes=frozenset())


class TooManyFailures(Refused):
    """Somebody at this address keeps trying tokens that do not exist."""

    code = "too_many_failures"
    status = 429


async def authenticate(site: Site, connection: HTTPConnection) -> Caller:
    """Raises Unauthorized, or Forbidden for a cookie that comes from somebody else's page."""
    header = connection.headers.get("authorization")
    if header is not None:
        scheme, _, text = header.partition(" ")
        token = await site.tokens.by_text(text.strip()) if scheme.lower() == "bearer" else None
        if token is None:
            raise Unauthorized("The token in the Authorization header is unknown, expired or revoked. Make a new one.")
        return caller_of(token)
    key = site.settings.cookie_key
    cookie = connection.cookies.get(cookie_name(key))
    token_id = None if cookie is None else unseal(key, cookie, site.engine.clock.now())
    token = None if token_id is None else await site.tokens.by_id(token_id)
    if token is None:
        raise Unauthorized(
            "Sign in first: send a token as `Authorization: Bearer mlg_…`, or sign in to the dashboard with one."
        )
    if connection.scope["type"] == "http" and connection.scope["method"] not in SAFE_METHODS:
        require_own_page(connection)
    return caller_of(token)


def caller_of(token: AccessToken) -> Caller:
    scopes = frozenset(scope for scope in ALL_SCOPES if scope in token.scopes)
    return Caller(token.namespace, token.name, scopes, token.id)


def require_own_page(connection: HTTPConnection) -> None:
    """A browser sends cookies also for other sites' forms; only our own pages can send this header."""
    headers = connection.headers
    if headers.get("x-mulligan") != "1":
        raise Forbidden("A change made with the dashboard's cookie needs the header `X-Mulligan: 1`.")
    if headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise Forbidden("This request comes from another site's page, and was not carried out.")
    require_own_origin(connection)


def require_own_origin(connection: HTTPConnection) -> None:
    """Where a browser says which page it speaks for, it has to be one of ours."""
    origin = connection.headers.get("origin")
    if origin is not None and origin.partition("://")[2] != connection.headers.get("host"):
        raise Forbidden(f"This request comes from a page of {origin}, and was not carried out.")


class FailureLimit:
    """Counts refused tokens by address. A good token always passes; this only quietens whoever guesses."""

    MOST = 20
    WINDOW = timedelta(minutes=1)
    ADDRESSES = 10_000

    def __init__(self) -> None:
        self._failures: OrderedDict[str, tuple[datetime, int]] = OrderedDict()

    def count(self, address: str, now: datetime) -> None:
        """One more failure. Raises TooManyFailures beyond ``MOST`` in a ``WINDOW``."""
        since_at, failures = self._failures.pop(address, (now, 0))
        if now - since_at >= self.WINDOW:
            since_at, failures = now, 0
        self._failures[address] = (since_at, failures + 1)
        if len(self._failures) > self.ADDRESSES:
            self._failures.popitem(last=False)
        if failures >= self.MOST:
            raise TooManyFailures("Too many tokens from this address were refused. Wait a minute, then use a good one.")


def address_of(connection: HTTPConnection) -> str:
    client = connection.client
    return "" if client is None else client.host


def is_loopback(connection: HTTPConnection) -> bool:
    return address_of(connection) in ("127.0.0.1", "::1")
