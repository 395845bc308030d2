"""``mulligan run``: start a run of a workflow and, if asked, wait for its end."""

from __future__ import annotations

import secrets
import time
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from mulligan.cli.commands import FAILED_RUN, OK
from mulligan.cli.connection import Answer, Server, Target, connect, quoted
from mulligan.cli.printing import Format, hint, print_json, say, styled
from mulligan.cli.values import Assignment, parse_assignment, read_document, set_value
from mulligan.errors import InvalidInput
from mulligan.sdk.durations import parse_duration

_FIRST_LOOK_S = 0.1
_LONGEST_PAUSE_S = 2.0


def run(
    workflow: str,
    *,
    sets: Annotated[
        list[str] | None, Parameter(name="--set", help="path=value into the input; JSON if it parses, else a string.")
    ] = None,
    document: Annotated[
        str | None, Parameter(name="--input", help="The whole input as JSON, @file or - for standard input.")
    ] = None,
    playground: Annotated[
        list[str] | None, Parameter(help="name=value or step.name=value for this run.")
    ] = None,
    metadata: Annotated[list[str] | None, Parameter(help="key=value to find the run by.")] = None,
    version: Annotated[str | None, Parameter(help="Number or digest of the version to run.")] = None,
    priority: int | None = None,
    delay: Annotated[str | None, Parameter(help="Start after this span, such as 10m.")] = None,
    idempotency_key: Annotated[str | None, Parameter(help="The same key twice makes one run.")] = None,
    wait: Annotated[bool, Parameter(negative=(), help="Wait for the end; exit code 1 if the run fails.")] = False,
    output: Format = "table",
    target: Target | None = None,
) -> int:
    """Start a run of WORKFLOW.

    Examples: mulligan run hello --set name=ada --wait · mulligan run summarise --input @doc.json
    """
    body = start_body(workflow, sets or [], document, playground or [], metadata or [])
    body |= {"version": version} if version else {}
    body |= {"priority": priority} if priority is not None else {}
    body |= {"delay_s": delay_seconds(delay)} if delay else {}
    # Made here, so that repeating the request after a broken connection can never start a second run.
    key = idempotency_key or f"cli-{secrets.token_hex(16)}"
    with connect(target) as server:
        started = server.post("/runs", msgspec.json.encode(body), idempotency_key=key)
        run_id = started.data["id"]
        if not wait:
            report_start(server, started, run_id, output)
            return OK
        hint(f"{run_id} started; {server.url}/runs/{run_id}")
        return report_end(wait_for_end(server, run_id), output)


def start_body(
    workflow: str, sets: list[str], document: str | None, playground: list[str], metadata: list[str]
) -> dict[str, Any]:
    """The request that starts a run; values keep their exact text."""
    run_input = read_document(document, "--input") if document is not None else b"{}" if sets else None
    for assignment in (parse_assignment(text, "--set") for text in sets):
        assert run_input is not None
        run_input = set_value(run_input, assignment.path, assignment.value)
    body: dict[str, Any] = {"workflow": workflow}
    if run_input is not None:
        body["input"] = msgspec.Raw(run_input)
    if playground:
        body["playground"] = overrides(playground)
    if metadata:
        body["metadata"] = dict(_pair(text) for text in metadata)
    return body


def overrides(texts: list[str]) -> dict[str, dict[str, msgspec.Raw]]:
    """``name=value`` holds for every step (``*``), ``step.name=value`` for one."""
    chosen: dict[str, dict[str, msgspec.Raw]] = {}
    for assignment in (parse_assignment(text, "--playground") for text in texts):
        step, name = _step_and_name(assignment)
        chosen.setdefault(step, {})[name] = msgspec.Raw(assignment.value)
    return chosen


def wait_for_end(server: Server, run_id: str) -> Answer:
    """Look until the run has ended; the pause between two looks grows with the time that the run takes."""
    pause = _FIRST_LOOK_S
    while True:
        answer = server.get(f"/runs/{quoted(run_id)}")
        if answer.data["status"] not in ("queued", "running"):
            return answer
        time.sleep(pause)
        pause = min(pause * 1.3, _LONGEST_PAUSE_S)


def report_start(server: Server, started: Answer, run_id: str, output: str) -> None:
    if output == "json":
        print_json(started)
        return
    say(run_id)
    hint(f"see it at {server.url}/runs/{run_id}, or with `mulligan runs show {run_id}`")


def report_end(ended: Answer, output: str) -> int:
    """Print the end of a run. The exit code: 0 if it succeeded, else 1."""
    detail = ended.data
    if output == "json":
        print_json(ended)
    else:
        from mulligan.cli.runs import print_run

        if detail["status"] == "succeeded" and detail.get("is_task"):
            print_json(bytes(msgspec.json.decode(ended.text, type=dict[str, msgspec.Raw])["output"]))
        else:
            say(styled(detail["status"]))
            print_run(detail)
    return OK if detail["status"] == "succeeded" else FAILED_RUN


def delay_seconds(text: str) -> float:
    try:
        return parse_duration(text).total_seconds()
    except ValueError as error:
        raise InvalidInput(f"--delay: {error}") from None


def _step_and_name(assignment: Assignment) -> tuple[str, str]:
    match assignment.path:
        case (name,):
            return "*", name
        case (step, name):
            return step, name
        case _:
            raise InvalidInput(f"--playground {assignment} must be name=value or step.name=value.")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InvalidInput(f"--metadata {text!r} must be key=value.")
    return name, value
