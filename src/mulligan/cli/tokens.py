"""``mulligan tokens``: API tokens of a server. Needs a token with the scope ``admin``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from cyclopts import App, Parameter

from mulligan.cli.commands import OK
from mulligan.cli.connection import Target, connect, quoted
from mulligan.cli.printing import Format, ago, hint, print_json, print_table, say
from mulligan.cli.starting import span_seconds
from mulligan.wire.rest.access import CreatedToken, NewToken, TokenList, TokenSummary
from mulligan.wire.rest.codec import Scope, write

_SOON = timedelta(days=2)
"""An end that is nearer than this has a time of day."""

app = App(name="tokens", help="Create, list and revoke API tokens.")


@app.command
def create(
    name: str,
    /,
    *,
    scope: Annotated[
        list[Scope] | None, Parameter(help="What it may do; repeat for several. Default: read, trigger, worker.")
    ] = None,
    expires: Annotated[str, Parameter(help="Span after which it stops working.")] = "90d",
    output: Format = "table",
    target: Target | None = None,
) -> int:
    """Create a token called NAME. It is shown once and stored only as a hash."""
    wanted = NewToken(
        name=name, scopes=scope or ["read", "trigger", "worker"], expires_in_s=span_seconds(expires, "--expires")
    )
    with connect(target) as server:
        answer = server.post("/tokens", write(wanted))
    if output == "json":
        print_json(answer)
        return OK
    say(answer.read(CreatedToken).token)
    hint("this is the only time that it is shown; give it to programs as MULLIGAN_TOKEN")
    return OK


@app.default
@app.command(name="ls")
def list_tokens(*, output: Format = "table", target: Target | None = None) -> int:
    """List the tokens, without their secrets."""
    with connect(target) as server:
        answer = server.get("/tokens")
    if output == "json":
        print_json(answer)
        return OK
    print_table(
        ("token", "name", "scopes", "created", "state"),
        [
            (item.id, item.name, ", ".join(item.scopes), f"{ago(item.created_at)} ago", _state(item))
            for item in answer.read(TokenList).items
        ],
    )
    return OK


@app.command
def revoke(token_id: str, /, *, target: Target | None = None) -> int:
    """Revoke the token TOKEN_ID; it stops working at once."""
    with connect(target) as server:
        server.delete(f"/tokens/{quoted(token_id)}")
    hint(f"{token_id} is revoked")
    return OK


def _state(token: TokenSummary) -> str:
    if token.revoked_at is not None:
        return "revoked"
    if token.expires_at is None:
        return "does not expire"
    end = token.expires_at.astimezone()
    return f"until {end:%Y-%m-%d %H:%M}" if end - datetime.now(UTC) < _SOON else f"until {end:%Y-%m-%d}"
