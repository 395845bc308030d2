"""``mulligan inbox``: what fails, by kind, and what was said about it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from cyclopts import App, Parameter

from mulligan.cli.commands import OK
from mulligan.cli.connection import Target, connect, quoted
from mulligan.cli.printing import Format, ago, first_line, hint, plain, print_json, print_table, say, styled
from mulligan.cli.runs import print_failure
from mulligan.cli.starting import span_seconds
from mulligan.errors import InvalidInput
from mulligan.wire.rest.codec import write
from mulligan.wire.rest.inbox import Group, GroupDetail, Inbox, NoteRequest

app = App(name="inbox", help="List failure groups, look at one, resolve or snooze it.")


@app.default
@app.command(name="ls")
def list_groups(
    *,
    status: Annotated[Literal["open", "snoozed", "resolved", "all"], Parameter(help="Which groups.")] = "open",
    since: Annotated[str, Parameter(help="Failures of runs since then, such as 24h or 7d.")] = "24h",
    output: Format = "table",
    target: Target | None = None,
) -> int:
    """List failed runs by kind, those with most runs first."""
    with connect(target) as server:
        answer = server.get("/inbox", status=status, since=since)
    if output == "json":
        print_json(answer)
        return OK
    inbox = answer.read(Inbox)
    print_table(
        ("group", "runs", "last", "replayed", "where", "what"),
        [
            (
                group.fingerprint,
                group.count,
                f"{ago(group.last_at)} ago",
                f"{group.recovered}/{group.replayed} ok" if group.replayed else "",
                f"{group.workflow}/{group.step}",
                first_line(f"{group.error_type}: {group.error_message}"),
            )
            for group in inbox.items
        ],
    )
    counts = inbox.counts
    hint(f"open {counts.open}, snoozed {counts.snoozed}, resolved {counts.resolved}, since {since}")
    return OK


@app.command
def show(fingerprint: str, /, *, output: Format = "table", target: Target | None = None) -> int:
    """Show the group FINGERPRINT: its error, what its runs have in common, and the newest of them.

    The beginning of the fingerprint is enough, if no other begins like this.
    """
    with connect(target) as server:
        answer = server.get(f"/inbox/{quoted(server.fingerprint(fingerprint))}")
    if output == "json":
        print_json(answer)
        return OK
    group = answer.read(GroupDetail)
    _print_group(group)
    if group.error is not None:
        print_failure(group.error)
    if group.differs_by:
        say()
        values = [
            (fact.what, ", ".join(f"{one.value} ({one.count})" for one in fact.values)) for fact in group.differs_by
        ]
        print_table((f"of {group.looked_at} runs", "values"), values)
    say()
    print_table(("run", "age", "input"), [(run.id, ago(run.created_at), run.input_head) for run in group.runs])
    hint(f'replay them: mulligan replay -q "fingerprint:{group.fingerprint}" --canary 1 --reason "…" --plan')
    return OK


@app.command
def resolve(
    fingerprint: str,
    /,
    *,
    note: Annotated[str, Parameter(help="What was done about it.")] = "",
    target: Target | None = None,
) -> int:
    """Resolve the group FINGERPRINT. It opens again by itself when it recurs."""
    return _note(fingerprint, NoteRequest(status="resolved", note=note), target)


@app.command
def snooze(
    fingerprint: str,
    /,
    *,
    until: Annotated[str | None, Parameter(name="--for", help="A span, such as 1h.")] = None,
    more: Annotated[int | None, Parameter(help="Until so many more runs have failed.")] = None,
    new_version: Annotated[bool, Parameter(help="Until it fails on another version of the code.")] = False,
    note: Annotated[str, Parameter(help="Why.")] = "",
    target: Target | None = None,
) -> int:
    """Snooze the group FINGERPRINT until its time has come."""
    if until is None and more is None and not new_version:
        raise InvalidInput("A snooze needs an end: --for 1h, --more 10 or --new-version.")
    request = NoteRequest(status="snoozed", note=note, until_more=more, until_version=new_version)
    if until is not None:
        request = msgspec.structs.replace(request, for_s=span_seconds(until, "--for"))
    return _note(fingerprint, request, target)


@app.command(name="open")
def reopen(fingerprint: str, /, *, target: Target | None = None) -> int:
    """Open the group FINGERPRINT again."""
    return _note(fingerprint, NoteRequest(status="open"), target)


def _note(fingerprint: str, request: NoteRequest, target: Target | None) -> int:
    with connect(target) as server:
        _print_group(server.post(f"/inbox/{quoted(server.fingerprint(fingerprint))}", write(request)).read(Group))
    return OK


def _print_group(group: Group) -> None:
    say(styled(group.status))
    recurred = ", after it had been resolved" if group.recurred else ""
    say(f"{group.count:,} runs of {plain(group.workflow)} failed at {plain(group.step)}{recurred}", style="bold")
    if group.note is not None and group.note.note:
        say(f"  {plain(group.note.actor)}: {plain(group.note.note)}", style="dim")
