"""``mulligan run``: start a run of a workflow and, if asked, wait for its end."""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from typing import Annotated

import msgspec
from cyclopts import Parameter

from mulligan.cli.commands import FAILED_RUN, OK
from mulligan.cli.connection import Answer, Server, Target, connect, quoted
from mulligan.cli.printing import Format, hint, plain, print_json, say, styled
from mulligan.cli.values import hinting_at_quotes, read_document, read_overrides, read_pairs, with_values
from mulligan.errors import InvalidInput, MulliganError
from mulligan.sdk.durations import parse_duration
from mulligan.wire.rest.codec import write
from mulligan.wire.rest.runs import RunDetail, RunSummary, StartRequest

UNFINISHED = ("queued", "running")
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 2.0
_STILL_S = 5.0
"""After so long without a change it is said why."""


class _Started(msgspec.Struct):
    """What the answers to starts and replays have in common."""

    status: str = "queued"


def run(
    workflow: str,
    /,
    *,
    sets: Annotated[
        list[str] | None, Parameter(name="--set", help="path=value into the input; JSON if it parses, else a string.")
    ] = None,
    document: Annotated[
        str | None,
        Parameter(
            name="--input", help="The whole input as JSON, @file or - for standard input.", allow_leading_hyphen=True
        ),
    ] = None,
    playground: Annotated[list[str] | None, Parameter(help="name=value or step.name=value for this run.")] = None,
    metadata: Annotated[list[str] | None, Parameter(help="key=value to find the run by.")] = None,
    version: Annotated[str | None, Parameter(help="Number or digest of the version to run.")] = None,
    priority: int | None = None,
    delay: Annotated[str | None, Parameter(help="Start after this span, such as 10m.")] = None,
    idempotency_key: Annotated[str | None, Parameter(help="The same key twice makes one run.")] = None,
    wait: Annotated[bool, Parameter(help="Wait for the end; exit code 1 if the run fails.")] = False,
    output: Format = "table",
    target: Target | None = None,
) -> int:
    """Start a run of WORKFLOW.

    Examples: mulligan run hello --set name=ada --wait · mulligan run summarise --input @doc.json
    """
    body = msgspec.UNSET if document is None else read_document(document, "--input")
    if sets:
        body = with_values(body or b"{}", sets)
    request = StartRequest(
        workflow=workflow,
        input=msgspec.Raw(body) if body else msgspec.UNSET,
        version=version,
        metadata=read_pairs(metadata or [], "--metadata"),
        priority=priority,
        delay_s=span_seconds(delay, "--delay") if delay else 0.0,
        playground=read_overrides(playground or []),
    )
    # Made here: a proxy that sends the request twice must not start two runs.
    key = idempotency_key or f"cli-{secrets.token_hex(16)}"
    with connect(target) as server:
        with server.naming_workflows(workflow), hinting_at_quotes(sets or []):
            started = server.post("/runs", write(request), idempotency_key=key)
        return follow(server, started, started.read(RunSummary).id, wait, output)


def follow(server: Server, started: Answer, run_id: str, wait: bool, output: str) -> int:
    """Report a run that was just made and, if asked, its end. The exit code: 1 for a failed run, else 0."""
    if wait:
        return _report_end(_announced_end(server, run_id), output)
    if output == "json":
        print_json(started)
    else:
        say(run_id)
        hint(f"see it at {server.url}/runs/{run_id}, or with `mulligan runs show {run_id}`")
        _say_why_it_waits(server, run_id, started)
    return OK


def _say_why_it_waits(server: Server, run_id: str, started: Answer) -> None:
    """If no step of it has begun: perhaps there is no worker for it, and it would stay so."""
    if started.read(_Started).status != "queued":
        return
    with suppress(MulliganError):  # it has been started: a token that may not look is no failure
        detail = server.get(f"/runs/{quoted(run_id)}").read(RunDetail)
        if detail.status == "queued" and detail.waiting:
            hint(f"queued: {plain(detail.waiting)}")


def span_seconds(text: str, option: str) -> float:
    try:
        return parse_duration(text).total_seconds()
    except ValueError as error:
        raise InvalidInput(f"{option}: {error}.") from None


def _announced_end(server: Server, run_id: str) -> Answer:
    try:
        hint(f"{run_id} started; {server.url}/runs/{run_id}")
        return _wait_for_end(server, run_id)
    except KeyboardInterrupt:
        hint(f"{run_id} goes on without this command; look again with `mulligan runs show {run_id}`")
        raise


def _wait_for_end(server: Server, run_id: str) -> Answer:
    """Look until the run has ended; the pause between two looks grows with the time that the run takes.

    When nothing has moved for a while, say once what it waits for: it may be something that never comes by itself.
    """
    pause = _FIRST_PAUSE_S
    moved_at, seen, told = time.monotonic(), "", False
    while True:
        answer = server.get(f"/runs/{quoted(run_id)}")
        detail = answer.read(RunDetail)
        if detail.status not in UNFINISHED:
            return answer
        steps = str([(step.name, step.status, step.attempts) for step in detail.steps])
        if steps != seen:
            moved_at, seen = time.monotonic(), steps
        elif detail.waiting and not told and time.monotonic() - moved_at >= _STILL_S:
            hint(plain(detail.waiting))
            told = True
        time.sleep(pause)
        pause = min(pause * 1.3, _LONGEST_PAUSE_S)


def _report_end(ended: Answer, output: str) -> int:
    detail = ended.read(RunDetail)
    if output == "json":
        print_json(ended)
    elif detail.status == "succeeded" and detail.output:
        print_json(bytes(detail.output))
    else:
        from mulligan.cli.runs import print_run

        say(styled(detail.status))
        print_run(detail)
    return OK if detail.status == "succeeded" else FAILED_RUN
