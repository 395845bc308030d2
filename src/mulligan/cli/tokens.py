"""``mulligan tokens``: API tokens of a server. Needs a token with the scope ``admin``."""

from __future__ import annotations

from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from mulligan.cli.commands import OK
from mulligan.cli.connection import Target, connect, quoted
from mulligan.cli.printing import Format, ago, hint, print_json, print_table, say
from mulligan.cli.starting import delay_seconds

app = App(name="tokens", help="Create, list and revoke API tokens.")


@app.command
def create(
    name: str,
    *,
    scope: Annotated[list[str] | None, Parameter(help="What it may do; repeat for several.")] = None,
    expires: Annotated[str | None, Parameter(help="Span such as 90d, after which it stops working.")] = "90d",
    output: Format = "table",
    target: Target | None = None,
) -> int:
    """Create a token called NAME. It is shown once and stored only as a hash."""
    body = {"name": name, "scopes": scope or ["worker", "trigger", "read"]}
    body |= {"expires_in_s": delay_seconds(expires)} if expires else {}
    with connect(target) as server:
        answer = server.post("/tokens", msgspec.json.encode(body))
    if output == "json":
        print_json(answer)
        return OK
    say(answer.data["token"])
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
            (
                item["id"],
                item["name"],
                ", ".join(item["scopes"]),
                ago(item["created_at"]),
                "revoked" if item["revoked_at"] else f"until {item['expires_at'][:10]}" if item["expires_at"] else "",
            )
            for item in answer.data["items"]
        ],
    )
    return OK


@app.command
def revoke(token_id: str, *, target: Target | None = None) -> int:
    """Revoke the token TOKEN-ID; it stops working at once."""
    with connect(target) as server:
        server.delete(f"/tokens/{quoted(token_id)}")
    hint(f"{token_id} is revoked")
    return OK
