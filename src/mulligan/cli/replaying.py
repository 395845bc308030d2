"""``mulligan replay``: say what to change, see the plan, have it carried out."""

from __future__ import annotations

import json
import secrets
import sys
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from mulligan.cli.commands import OK
from mulligan.cli.connection import Answer, Server, Target, connect, quoted
from mulligan.cli.printing import Cell, Format, hint, plain, print_json, print_table, say, styled
from mulligan.cli.starting import overrides, report_end, report_start, wait_for_end
from mulligan.cli.values import Assignment, has_path, parse_assignment, pointer, read_document
from mulligan.errors import InvalidInput

RUN_INPUT = "input"


def replay(
    run_id: str,
    *,
    start: Annotated[
        list[str] | None, Parameter(name="--from", help="Step to start from; by default every failed step.")
    ] = None,
    sets: Annotated[
        list[str] | None,
        Parameter(
            name="--set",
            help="path=value: edit the input of the step that --from names (with several: step.path=value; "
            "with --from-beginning: the run's input).",
        ),
    ] = None,
    playground: Annotated[
        list[str] | None, Parameter(help="name=value or step.name=value: override a playground variable.")
    ] = None,
    document: Annotated[
        str | None, Parameter(name="--input", help="A whole new run input as JSON, @file or - for standard input.")
    ] = None,
    code: Annotated[str, Parameter(help="latest, same, or the number of a version.")] = "latest",
    from_beginning: Annotated[bool, Parameter(negative=(), help="Run every step again.")] = False,
    reason: Annotated[str, Parameter(help="Why, for those who look at the run later.")] = "",
    fresh_key: Annotated[bool, Parameter(negative=(), help="Let irreversible effects happen again.")] = False,
    plan: Annotated[bool, Parameter(negative=(), help="Only show what would happen.")] = False,
    yes: Annotated[bool, Parameter(name=["--yes", "-y"], negative=(), help="Do not ask.")] = False,
    wait: Annotated[bool, Parameter(negative=(), help="Wait for the end; exit code 1 if the new run fails.")] = False,
    output: Format = "table",
    target: Target | None = None,
) -> int:
    """Replay RUN-ID: a new run that keeps earlier results and runs the rest again.

    Examples: mulligan replay RUN --from summary --set doc.lang=fr --playground temperature=0 · mulligan replay RUN --plan
    """
    if from_beginning and start:
        raise InvalidInput("--from and --from-beginning exclude each other: leave one out.")
    request: dict[str, Any] = {"code": code}
    request |= {"start_steps": start} if start else {}
    request |= {"from_beginning": True} if from_beginning else {}
    request |= {"reason": reason} if reason else {}
    request |= {"fresh_key": True} if fresh_key else {}
    request |= {"playground": overrides(playground)} if playground else {}
    request |= {"input": msgspec.Raw(read_document(document, "--input"))} if document is not None else {}
    edits = [parse_assignment(text, "--set") for text in sets or []]
    with connect(target) as server:
        _add_edits(server, run_id, request, edits)
        planned = server.post(f"/runs/{quoted(run_id)}/replay/plan", msgspec.json.encode(request))
        if plan:
            _show_plan(planned, output)
            return OK
        if not yes and not _agreed(planned):
            return OK
        request["token"] = planned.data["token"]
        key = f"cli-{secrets.token_hex(16)}"
        made = server.post(f"/runs/{quoted(run_id)}/replay", msgspec.json.encode(request), idempotency_key=key)
        return _follow(server, made, wait, output)


def print_changes(plan: dict[str, Any]) -> None:
    """Edits and overrides of a plan or a comparison, before and after."""
    rows: list[tuple[Cell, ...]] = [
        (f"{edit['step']}{edit['path']}", _short(edit.get("before")), _short(edit.get("after")))
        for edit in plan["edits"]
    ]
    rows += [
        (f"{change['step']} playground {change['name']}", _short(change.get("before")), _short(change.get("after")))
        for change in plan["overrides"]
    ]
    if rows:
        print_table(("changed", "before", "after"), rows)
        say()


def _add_edits(server: Server, run_id: str, request: dict[str, Any], edits: list[Assignment]) -> None:
    """Turn ``--set`` into JSON Patches of the document that each path belongs to."""
    if not edits:
        return
    if request.get("from_beginning"):
        if "input" in request:
            raise InvalidInput("--input already gives the whole run input: put the --set values into it.")
        document = server.get(f"/runs/{quoted(run_id)}/input").text
        request["input_patch"] = [_operation(document, edit, "the run's input") for edit in edits]
        return
    steps = request.get("start_steps") or _failed_steps(server, run_id)
    documents: dict[str, bytes] = {}
    patches: dict[str, list[dict[str, Any]]] = {}
    for edit in edits:
        step, rest = _step_of(edit, steps)
        if step not in documents:
            documents[step] = server.get(f"/runs/{quoted(run_id)}/steps/{quoted(step)}/input").text
        patches.setdefault(step, []).append(_operation(documents[step], rest, f"the input of {step}"))
    request["start_steps"] = steps
    request["patches"] = patches


def _failed_steps(server: Server, run_id: str) -> list[str]:
    steps = server.get(f"/runs/{quoted(run_id)}").data["steps"]
    failed = [step["name"] for step in steps if step["status"] == "failed" and step["kind"] != "on_failure"]
    if not failed:
        raise InvalidInput("No step of this run failed, so --set needs --from STEP or --from-beginning.")
    return failed


def _step_of(edit: Assignment, steps: list[str]) -> tuple[str, Assignment]:
    if len(steps) == 1:
        return steps[0], edit
    if edit.path[0] in steps and len(edit.path) > 1:
        return edit.path[0], Assignment(edit.path[1:], edit.value)
    raise InvalidInput(
        f"--set {edit}: the replay starts from several steps, so the path begins with one of them: "
        f"{', '.join(steps)}. Such as --set {steps[0]}.{'.'.join(edit.path)}=…"
    )


def _operation(document: bytes, edit: Assignment, where: str) -> dict[str, Any]:
    """Replace what is there, add what is not: ``add`` alone would insert into a list."""
    if has_path(document, edit.path):
        operation = "replace"
    elif has_path(document, edit.path[:-1]):
        operation = "add"
    else:
        names = _names_at(document)
        known = f" It has: {', '.join(names)}." if names else ""
        raise InvalidInput(f"--set {edit}: {where} has nothing at {'.'.join(edit.path[:-1])!r}.{known}")
    return {"op": operation, "path": pointer(edit.path), "value": msgspec.Raw(edit.value)}


def _names_at(document: bytes) -> list[str]:
    value = json.loads(document)
    return list(value) if isinstance(value, dict) else []


def _show_plan(planned: Answer, output: str) -> None:
    if output == "json":
        print_json(planned)
        return
    plan = planned.data
    print_changes(plan)
    print_table(
        ("step", "action", "effect", "why"),
        [(step["name"], styled(step["action"]), styled(step["effect"]), step["why"]) for step in plan["steps"]],
    )
    say()
    say(plain(plan["summary"]), style="bold")
    if plan["code"]["changed"]:
        say(f"Code: version {plan['code']['number']} (the source ran on {plan['code']['source_number']}).")
    for warning in plan["warnings"]:
        say(f"Careful: {plain(warning)}", style="yellow")


def _agreed(planned: Answer) -> bool:
    """Show the plan and ask. Without a terminal there is nobody to ask."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise InvalidInput("Nobody is at a terminal to agree to the plan: add --yes, or look at it first with --plan.")
    _show_plan(planned, "table")
    try:
        agreed = input("\nReplay? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        agreed = False
    if not agreed:
        hint("nothing was changed")
    return agreed


def _follow(server: Server, made: Answer, wait: bool, output: str) -> int:
    run_id = made.data["id"]
    if not wait:
        report_start(server, made, run_id, output)
        return OK
    hint(f"{run_id} started; {server.url}/runs/{run_id}")
    return report_end(wait_for_end(server, run_id), output)


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"
