"""``mulligan runs``: the list of runs, one run, its logs, and cancelling it."""

from __future__ import annotations

import time
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter
from rich.text import Text

from mulligan.cli.commands import OK
from mulligan.cli.connection import Server, Target, connect, quoted
from mulligan.cli.printing import (
    LEVEL_STYLES,
    Format,
    ago,
    first_line,
    hint,
    plain,
    print_json,
    print_table,
    say,
    styled,
    took,
)

app = App(name="runs", help="List runs, look at one, read its logs, cancel it.")

_LOG_PAUSE_S = 0.5
_LOG_PAGE = 1000


@app.command(name="ls")
def list_runs(
    *,
    query: Annotated[str, Parameter(name=["--query", "-q"], help='Such as "status:failed since:1h".')] = "",
    limit: Annotated[int, Parameter(help="How many at most.")] = 50,
    cursor: Annotated[str | None, Parameter(help="next_cursor of the page before (with -o json).")] = None,
    output: Format = "table",
    target: Target | None = None,
) -> int:
    """List runs, newest first."""
    with connect(target) as server:
        page = server.get("/runs", q=query or None, limit=limit, cursor=cursor)
    if output == "json":
        print_json(page)
        return OK
    rows = [
        (
            run["id"],
            run["workflow"],
            styled(run["status"]),
            ago(run["created_at"]),
            took(run["duration_ms"]),
            first_line(_why(run)),
        )
        for run in page.data["items"]
    ]
    print_table(("run", "workflow", "status", "age", "took", "why"), rows)
    if not rows:
        hint("no runs match" if query else "no runs yet; start one with `mulligan run WORKFLOW --set name=value`")
    elif page.data["next_cursor"]:
        hint(f"there are more: raise --limit, or narrow with -q (shown: {len(rows)})")
    return OK


@app.command
def show(run_id: str, *, output: Format = "table", target: Target | None = None) -> int:
    """Show RUN-ID: its steps, why it failed, what it waits for."""
    with connect(target) as server:
        answer = server.get(f"/runs/{quoted(run_id)}")
    if output == "json":
        print_json(answer)
    else:
        print_run(answer.data)
        values = msgspec.json.decode(answer.text, type=dict[str, msgspec.Raw])
        for name in ("input", "output"):
            if name in values and bytes(values[name]) != b"null":
                say()
                say(f"{name}:", style="bold")
                print_json(bytes(values[name]))
    return OK


@app.command
def logs(
    run_id: str,
    *,
    follow: Annotated[bool, Parameter(name=["--follow", "-f"], negative=(), help="Go on until the run ends.")] = False,
    step: Annotated[str | None, Parameter(help="Only this step's lines.")] = None,
    attempt: Annotated[int | None, Parameter(help="Only this attempt's lines.")] = None,
    output: Format = "table",
    target: Target | None = None,
) -> int:
    """Print the log lines of RUN-ID; with -o json one object per line."""
    after = 0
    with connect(target) as server:
        while True:
            ended = not follow or _has_ended(server, run_id)  # asked first: no line can come after the end
            after = _print_lines(server, run_id, step, attempt, after, output)
            if ended:
                return OK
            time.sleep(_LOG_PAUSE_S)


@app.command
def cancel(
    run_id: str,
    *,
    reason: Annotated[str, Parameter(help="Kept in the run's history.")] = "",
    output: Format = "table",
    target: Target | None = None,
) -> int:
    """Cancel RUN-ID. Running steps are told to stop; nothing new starts."""
    with connect(target) as server:
        answer = server.post(f"/runs/{quoted(run_id)}/cancel", msgspec.json.encode({"reason": reason}))
    if output == "json":
        print_json(answer)
        return OK
    result = answer.data
    sentences = {
        "cancelled": "cancelled",
        "cancel_requested": f"cancelled; {result['stopping']} running step(s) were told to stop",
        "already_finished": f"nothing to cancel: the run had already {result['was']}",
    }
    say(sentences[result["answer"]])
    return OK


def print_run(run: dict[str, Any]) -> None:
    """One run for people: what it is, its steps, its failure."""
    line = Text.assemble((run["id"], "bold"), "  ", plain(run["workflow"]), f" v{run['version']}  ")
    line.append_text(styled(run["status"]))
    line.append(f"  {ago(run['created_at'])} ago")
    if run.get("duration_ms") is not None:
        line.append(f", took {took(run['duration_ms'])}")
    say(line)
    if run.get("source_id"):
        replay = run.get("replay") or {}
        reason = f": {plain(replay['reason'])}" if replay.get("reason") else ""
        say(f"replay of {run['source_id']}{reason}")
    print_table(
        ("step", "status", "attempts", "took", "why"),
        [
            (
                step["name"],
                styled(step["status"]),
                step["attempts"] or "",
                took(step["duration_ms"]),
                first_line(step.get("waiting") or _why(step)),
            )
            for step in run["steps"]
        ],
    )
    if run.get("waiting"):
        say(plain(run["waiting"]), style="yellow")
    if run.get("failure"):
        print_failure(run["failure"])
    if run["status"] == "failed":
        hint(f"replay it: mulligan replay {run['id']} --plan")


def print_failure(error: dict[str, Any]) -> None:
    """An error as Python shows it, the user's own frames only."""
    if error.get("cause"):
        print_failure(error["cause"])
        say("caused:", style="dim")
    for frame in error.get("frames") or ():
        if frame["in_app"]:
            say(f"  {plain(frame['file'])}:{frame['line']} in {plain(frame['function'])}", style="dim")
            say(f"    {plain(frame['code'])}")
    say(f"{plain(error['type'])}: {plain(error['message'])}", style="red")


def _print_lines(server: Server, run_id: str, step: str | None, attempt: int | None, after: int, output: str) -> int:
    """Print all lines after position ``after``. Returns the position of the last one."""
    while True:
        page = server.get(f"/runs/{quoted(run_id)}/logs", step=step, attempt=attempt, after=after, limit=_LOG_PAGE)
        content = msgspec.json.decode(page.text, type=dict[str, msgspec.Raw])
        items = msgspec.json.decode(content["items"], type=list[msgspec.Raw])
        for item in items:
            _print_line(bytes(item), output)
        if items:
            after = int(msgspec.json.decode(items[-1])["position"])
        if len(items) < _LOG_PAGE:
            return after


def _print_line(item: bytes, output: str) -> None:
    if output == "json":
        print(item.decode(), flush=True)
        return
    line = msgspec.json.decode(item)
    text = Text.assemble((str(line["at"])[11:23], "dim"), f" {plain(line['step'])}")
    if line["attempt"] > 1:
        text.append(f"#{line['attempt']}")
    text.append(f" {line['level']}", LEVEL_STYLES.get(line["level"], ""))
    text.append(f" {plain(line['message'])}")
    say(text)


def _has_ended(server: Server, run_id: str) -> bool:
    return server.get(f"/runs/{quoted(run_id)}").data["status"] not in ("queued", "running")


def _why(row: dict[str, Any]) -> str:
    if not row.get("error_type"):
        return ""
    step = f"{row['failed_step']}: " if row.get("failed_step") else ""
    return f"{step}{row['error_type']}: {row.get('error_message') or ''}"
