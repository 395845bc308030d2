"""``mulligan runs``: the list of runs, one run, its logs, and cancelling it."""

from __future__ import annotations

import time
from itertools import groupby
from typing import Annotated

from cyclopts import App, Parameter
from rich.text import Text

from mulligan.cli.commands import OK
from mulligan.cli.connection import Server, Target, connect, quoted
from mulligan.cli.printing import (
    LEVEL_STYLES,
    Cell,
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
from mulligan.cli.starting import UNFINISHED
from mulligan.wire.rest.codec import JsonText, Unset, write
from mulligan.wire.rest.runs import CancelAnswer, CancelRequest, RunDetail, RunList, RunSummary
from mulligan.wire.rest.steps import (
    AttemptDetail,
    ErrorDetails,
    LogEntry,
    LogPage,
    StepDetail,
    StepSummary,
    StepVariable,
)

app = App(name="runs", help="List runs, look at one, read its logs, cancel it.")

_LOG_PAUSE_S = 0.5
_LOG_PAGE = 1000


@app.command(name="ls")
def list_runs(
    *terms: Annotated[str, Parameter(help="Terms of a query, such as status:failed since:1h.")],
    query: Annotated[str, Parameter(name=["--query", "-q"], help="The same as one text.")] = "",
    limit: Annotated[int, Parameter(help="How many at most, 1 to 500.")] = 50,
    cursor: Annotated[str | None, Parameter(help="next_cursor of the page before (with -o json).")] = None,
    output: Format = "table",
    target: Target | None = None,
) -> int:
    """List runs, newest first. Example: mulligan runs ls status:failed workflow:summarise since:24h"""
    query = " ".join((*terms, query)).strip()
    with connect(target) as server:
        answer = server.get("/runs", q=query or None, limit=limit, cursor=cursor)
        if output == "json":
            print_json(answer)
            return OK
        page = answer.read(RunList)
        found = page.items
        while page.searched_to is not None and len(found) < limit:
            page = server.get("/runs", q=query, limit=limit - len(found), cursor=page.next_cursor).read(RunList)
            found = found + page.items
    rows = [
        (run.id, run.workflow, styled(run.status), ago(run.created_at), took(run.duration_ms), _why_run_failed(run))
        for run in found
    ]
    print_table(("run", "workflow", "status", "age", "took", "why"), rows)
    if not rows:
        hint("no runs match" if query else "no runs yet; start one with `mulligan run WORKFLOW --set name=value`")
    elif page.next_cursor:
        hint(f"there are more than these {len(rows)}: raise --limit, or narrow with -q")
    return OK


@app.command
def show(
    run_id: str,
    /,
    *,
    step: Annotated[str | None, Parameter(help="Only this step: its attempts, variables, input and output.")] = None,
    output: Format = "table",
    target: Target | None = None,
) -> int:
    """Show RUN_ID: its steps, why it failed, what it waits for. The beginning of the id is enough."""
    with connect(target) as server:
        path = f"/runs/{quoted(server.run_id(run_id))}"
        answer = server.get(path if step is None else f"{path}/steps/{quoted(step)}")
    if output == "json":
        print_json(answer)
        return OK
    shown: RunDetail | StepDetail
    if step is None:
        shown = answer.read(RunDetail)
        print_run(shown)
    else:
        shown = answer.read(StepDetail)
        _print_step(shown)
    for name, value in (("input", shown.input), ("output", shown.output)):
        if value:
            say(f"\n{name}:", style="bold")
            print_json(bytes(value))
    return OK


@app.command
def logs(
    run_id: str,
    /,
    *,
    follow: Annotated[bool, Parameter(name=["--follow", "-f"], help="Go on until the run ends.")] = False,
    step: Annotated[str | None, Parameter(help="Only this step's lines.")] = None,
    attempt: Annotated[int | None, Parameter(help="Only this attempt's lines.")] = None,
    output: Format = "table",
    target: Target | None = None,
) -> int:
    """Print the log lines of RUN_ID; with -o json one object per line. The beginning of the id is enough."""
    after = 0
    with connect(target) as server:
        run_id = server.run_id(run_id)
        while True:
            ended = not follow or _has_ended(server, run_id)  # asked first: no line can come after the end
            after = _print_lines(server, run_id, step, attempt, after, output)
            if ended:
                if after == 0:
                    hint("no log lines; steps write them with ctx.log or with logging")
                return OK
            time.sleep(_LOG_PAUSE_S)


@app.command
def cancel(
    run_id: str,
    /,
    *,
    reason: Annotated[str, Parameter(help="Kept in the run's history.")] = "",
    output: Format = "table",
    target: Target | None = None,
) -> int:
    """Cancel RUN_ID. Running steps are told to stop; nothing new starts. The beginning of the id is enough."""
    with connect(target) as server:
        answer = server.post(f"/runs/{quoted(server.run_id(run_id))}/cancel", write(CancelRequest(reason=reason)))
    if output == "json":
        print_json(answer)
        return OK
    result = answer.read(CancelAnswer)
    match result.answer:
        case "cancelled":
            say("cancelled")
        case "cancel_requested":
            say(f"cancelled; running steps that were told to stop: {result.stopping}")
        case "already_finished":
            say(f"nothing to cancel: the run had ended before ({result.was})")
    return OK


def print_run(run: RunDetail) -> None:
    """One run for people: what it is, its steps, its failure."""
    line = Text.assemble((run.id, "bold"), f"  {plain(run.workflow)} v{run.version}  ")
    line.append_text(styled(run.status))
    line.append(f"  {ago(run.created_at)} ago")
    if run.duration_ms is not None:
        line.append(f", took {took(run.duration_ms)}")
    say(line)
    if run.replay is not None:
        reason = f": {plain(run.replay.reason)}" if run.replay.reason else ""
        say(f"replay of {run.replay.source_id} by {plain(run.replay.author)}{reason}")
    print_table(
        ("step", "status", "attempts", "took", "why"),
        [
            (step.name, styled(step.status), step.attempts or "", took(step.duration_ms), _why_step_is_so(step))
            for step in run.steps
        ],
    )
    if run.waiting:
        say(plain(run.waiting), style="yellow")
    if run.failure is not None:
        print_failure(run.failure)
    if run.status == "failed":
        hint(f"replay it: mulligan replay {run.id} --plan")


def _print_step(step: StepDetail) -> None:
    """One step of a run for people: where it is declared, each attempt, and the variables that it read."""
    line = Text.assemble((plain(step.name), "bold"), f"  {plain(step.workflow)}  ")
    line.append_text(styled(step.status))
    line.append(f"  {plain(step.file)}:{step.line}" if step.file else "")
    say(line)
    if step.waiting:
        say(plain(step.waiting), style="yellow")
    if step.kept_from is not None:
        say(f"kept from attempt {step.kept_from.attempt} of run {step.kept_from.run_id}")
    if step.tries:
        columns = ("attempt", "outcome", "took", "worker", "why")
        print_table(columns, [_attempt_row(attempt) for attempt in step.tries])
    if step.variables:
        print_table(
            ("variable", "value", "default", "read in"),
            [
                (each.name, _json(each.value or each.override or each.default), _json(each.default), _place(each))
                for each in step.variables
            ],
        )
    if step.input_problem:
        hint(step.input_problem)
    errors = [attempt.error for attempt in step.tries if attempt.error is not None]
    if errors:
        print_failure(errors[-1])


def _attempt_row(attempt: AttemptDetail) -> tuple[Cell, ...]:
    outcome = styled(attempt.outcome or "running")
    why = f"{attempt.error.type}: {attempt.error.message}" if attempt.error else ""
    return (attempt.number, outcome, took(attempt.duration_ms), attempt.worker or "", first_line(why))


def _json(value: JsonText | Unset) -> str:
    return first_line(bytes(value).decode()) if value else ""


def _place(variable: StepVariable) -> str:
    return f"{variable.file}:{variable.line}"


def print_failure(error: ErrorDetails) -> None:
    """An error as Python shows it, the user's own frames only."""
    if error.cause is not None:
        print_failure(error.cause)
        say("which caused:", style="dim")
    for frame, repeated in groupby(frame for frame in error.frames if frame.in_app):
        say(f"  {plain(frame.file)}:{frame.line} in {plain(frame.function)}", style="dim")
        say(f"    {plain(frame.code.strip())}")
        if more := sum(1 for _ in repeated) - 1:
            say(f"    … repeated {more} times", style="dim")
    say(f"{plain(error.type)}: {plain(error.message)}", style="red")


def _print_lines(server: Server, run_id: str, step: str | None, attempt: int | None, after: int, output: str) -> int:
    """Print all lines after position ``after``. Returns the position of the last one."""
    while True:
        page = server.get(
            f"/runs/{quoted(run_id)}/logs", step=step, attempt=attempt, after=after, limit=_LOG_PAGE
        ).read(LogPage)
        for entry in page.items:
            _print_entry(entry, output)
        after = page.last
        if len(page.items) < _LOG_PAGE:
            return after


def _print_entry(entry: LogEntry, output: str) -> None:
    if output == "json":
        print(write(entry).decode(), flush=True)
        return
    text = Text.assemble((entry.at.astimezone().strftime("%H:%M:%S.%f")[:-3], "dim"), f" {plain(entry.step)}")
    if entry.attempt > 1:
        text.append(f"#{entry.attempt}")
    text.append(f" {entry.level}", LEVEL_STYLES.get(entry.level, ""))
    text.append(f" {plain(entry.message)}")
    say(text)


def _has_ended(server: Server, run_id: str) -> bool:
    return server.get(f"/runs/{quoted(run_id)}").read(RunSummary).status not in UNFINISHED


def _why_run_failed(run: RunSummary) -> str:
    if run.error_type is None:
        return ""
    step = f"{run.failed_step}: " if run.failed_step else ""
    return first_line(f"{step}{run.error_type}: {run.error_message or ''}")


def _why_step_is_so(step: StepSummary) -> str:
    if step.waiting:
        return step.waiting
    if step.kept_from is not None:
        return f"from {step.kept_from.run_id}"
    return first_line(f"{step.error_type}: {step.error_message or ''}") if step.error_type else ""
