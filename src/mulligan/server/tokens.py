"""API tokens: ``mlg_<id>_<secret>``. The secret is 256 random bits and is stored only as its SHA-256."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime, timedelta

from mulligan.core.records import AccessToken
from mulligan.engine.api import Engine

_FORM = re.compile(r"mlg_([0-9a-v]{8,32})_([0-9a-f]{64})")
_REMEMBERED = timedelta(seconds=5)
"""How long a revocation on another replica may stay unnoticed."""
_PATIENCE = timedelta(seconds=1)
"""How often, at most, all tokens are read because of one that is not known here: another replica may have made it."""
_NOBODY = "0" * 64


def make_token(
    token_id: str,
    secret: str,
    *,
    name: str,
    namespace: str,
    scopes: tuple[str, ...],
    created_at: datetime,
    expires_at: datetime | None = None,
) -> tuple[str, AccessToken]:
    """The token's text, to be shown once, and the record of it. ``secret``: 64 hexadecimal digits."""
    text = f"mlg_{token_id}_{secret}"
    if _FORM.fullmatch(text) is None:
        raise ValueError("a token is made of 8 to 32 base32hex characters of id and 64 hexadecimal digits of secret")
    record = AccessToken(
        id=token_id,
        namespace=namespace,
        name=name,
        secret_sha256=_digest(secret),
        scopes=scopes,
        created_at=created_at,
        expires_at=expires_at,
    )
    return text, record


def read_token(text: str) -> tuple[str, str] | None:
    """(id, secret) of a token's text, or None if it is no token at all."""
    parts = _FORM.fullmatch(text)
    return None if parts is None else (parts[1], parts[2])


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def is_valid(token: AccessToken, now: datetime) -> bool:
    return token.revoked_at is None and (token.expires_at is None or now < token.expires_at)


class TokenBook:
    """The known tokens, read from the store every few seconds, so that a call costs no query."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._tokens: dict[str, AccessToken] = {}
        self._read_at: datetime | None = None
        self._missed_at: datetime | None = None
        self._saves = 0

    async def by_text(self, text: str) -> AccessToken | None:
        """The valid token that ``text`` is, or None. How much of the secret was right cannot be told from the time."""
        parts = read_token(text)
        if parts is None:
            return None
        token_id, secret = parts
        token = await self.by_id(token_id)
        expected = _NOBODY if token is None else token.secret_sha256
        return token if hmac.compare_digest(_digest(secret), expected) else None

    async def by_id(self, token_id: str) -> AccessToken | None:
        """The valid token with this id, or None."""
        now = self._engine.clock.now()
        if self._read_at is None or now - self._read_at > _REMEMBERED:
            await self._read(now)
        elif token_id not in self._tokens and (self._missed_at is None or now - self._missed_at >= _PATIENCE):
            self._missed_at = now
            await self._read(now)
        token = self._tokens.get(token_id)
        return token if token is not None and is_valid(token, now) else None

    async def save(self, token: AccessToken) -> None:
        await self._engine.store.save_token(token)
        self._read_at = None
        self._saves += 1

    async def _read(self, now: datetime) -> None:
        """What was read while a token was saved may be without it: then it is read again."""
        while True:
            saves = self._saves
            tokens = {token.id: token for token in await self._engine.store.tokens(None)}
            if saves == self._saves:
                self._tokens, self._read_at = tokens, now
                return
