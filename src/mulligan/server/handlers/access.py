"""Who speaks to which server: information, API tokens, the dashboard's sign-in."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from mulligan.core.records import AccessToken
from mulligan.errors import NotFound, Unauthorized
from mulligan.server.cookies import seal, set_cookie
from mulligan.server.endpoint import Reply
from mulligan.server.reading.spans import seconds
from mulligan.server.site import ALL_SCOPES, Call, ServerSettings
from mulligan.server.tokens import make_token
from mulligan.wire.messages import PROTOCOL
from mulligan.wire.rest.access import CreatedToken, Info, NewToken, SignIn, TokenList, TokenSummary


async def show_info(call: Call) -> Info:
    """Which server this is, and as whom it knows the caller."""
    settings, engine = call.site.settings, call.engine
    return Info(
        version=settings.version,
        store=engine.store.capabilities.name,
        mode=settings.mode,
        namespace=call.namespace,
        actor=call.caller.actor,
        protocol=PROTOCOL,
        started_at=engine.started_at or engine.clock.now(),
        retention_s=seconds(engine.retention),
        base_path=settings.base_path,
        scopes=[scope for scope in ALL_SCOPES if call.caller.may(scope)],
    )


async def list_tokens(call: Call) -> TokenList:
    """The API tokens of this namespace, without their secrets."""
    return TokenList(items=[_summary(token) for token in await call.engine.store.tokens(call.namespace)])


async def create_token(call: Call, body: NewToken) -> CreatedToken:
    """Make an API token. Its text is shown this once."""
    chance, now = call.engine.chance, call.engine.clock.now()
    text, token = make_token(
        chance.new_id(),
        "".join(chance.new_token() for _ in range(4)),
        name=body.name,
        namespace=call.namespace,
        scopes=tuple(dict.fromkeys(body.scopes)),
        created_at=now,
        expires_at=None if body.expires_in_s is None else now + timedelta(seconds=body.expires_in_s),
    )
    await call.site.tokens.save(token)
    return CreatedToken(token=text, **msgspec.structs.asdict(_summary(token)))


async def revoke_token(call: Call, token_id: str) -> None:
    """Make a token useless, at once and for good."""
    known = {token.id: token for token in await call.engine.store.tokens(call.namespace)}
    token = known.get(token_id)
    if token is None:
        raise NotFound(f"There is no token {token_id!r}.")
    if token.revoked_at is None:
        await call.site.tokens.save(msgspec.structs.replace(token, revoked_at=call.engine.clock.now()))


def _summary(token: AccessToken) -> TokenSummary:
    return TokenSummary(
        id=token.id,
        name=token.name,
        scopes=[scope for scope in ALL_SCOPES if scope in token.scopes],
        created_at=token.created_at,
        expires_at=token.expires_at,
        revoked_at=token.revoked_at,
    )


async def sign_in(call: Call, body: SignIn) -> Reply:
    """Trade a token for the dashboard's cookie, so that no script ever holds the token."""
    token = await call.site.tokens.by_text(body.token)
    if token is None:
        raise Unauthorized(
            "This is no token of this server, or it has expired or been revoked. `mulligan dev` prints a link with a "
            "good one; an admin makes one with `mulligan tokens create`."
        )
    settings = call.site.settings
    sealed = seal(settings.cookie_key, token.id, call.engine.clock.now())
    return _with_cookie(settings, sealed)


async def sign_out(call: Call) -> Reply:
    """Remove the dashboard's cookie."""
    return _with_cookie(call.site.settings, "")


def _with_cookie(settings: ServerSettings, value: str) -> Reply:
    cookie = set_cookie(settings.cookie_key, value, settings.base_path, secure=settings.secure_cookies)
    return Reply(204, content_type="", headers=(("Set-Cookie", cookie),))
