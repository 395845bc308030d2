"""The dashboard's cookie: which token signed in, and when, sealed with the server's key. Nothing is stored.

It lives for seven days at most, and no longer than its token: that is looked up on every request.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

LIFETIME = timedelta(days=7)


def cookie_name(key: bytes) -> str:
    """One name per installation: browsers keep the cookies of all ports of a host in one place."""
    return f"mulligan_{hashlib.sha256(b'cookie name' + key).hexdigest()[:8]}"


def seal(key: bytes, token_id: str, now: datetime) -> str:
    content = f"{token_id}.{int(now.timestamp())}"
    return f"{content}.{_mark(key, content)}"


def unseal(key: bytes, text: str, now: datetime) -> str | None:
    """The id of the token that signed in, or None if the cookie is not ours or too old."""
    content, _, mark = text.rpartition(".")
    token_id, _, issued = content.rpartition(".")
    if not hmac.compare_digest(_mark(key, content).encode(), mark.encode(errors="replace")):
        return None
    issued_at = datetime.fromtimestamp(int(issued), UTC)
    return token_id if now - issued_at < LIFETIME else None


def set_cookie(key: bytes, value: str, path: str, *, secure: bool) -> str:
    """The Set-Cookie header; an empty ``value`` removes the cookie."""
    age = int(LIFETIME.total_seconds()) if value else 0
    flags = f"Max-Age={age}; Path={path}; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}"
    return f"{cookie_name(key)}={value}; {flags}"


def _mark(key: bytes, content: str) -> str:
    return hmac.new(key, content.encode(errors="replace"), hashlib.sha256).hexdigest()
