"""``mulligan replay``: say what to change, see the plan, have it carried out; for one run or for many."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterable
from typing import Annotated

import msgspec
from cyclopts import Parameter

from mulligan.cli.bulk import Brakes, replay_matching
from mulligan.cli.commands import OK
from mulligan.cli.connection import Answer, Server, Target, connect, quoted
from mulligan.cli.printing import Format, hint, plain, print_changes, print_json, print_table, say, styled
from mulligan.cli.starting import follow
from mulligan.cli.values import Assignment, hinting_at_quotes, parse_assignment, read_document, read_overrides
from mulligan.core.document import apply_patch, set_in_any, set_path
from mulligan.core.records import PatchOp
from mulligan.errors import InvalidInput
from mulligan.wire.rest.codec import write
from mulligan.wire.rest.replays import ReplayCommand, Replayed, ReplayPlan, ReplayRequest
from mulligan.wire.rest.runs import RunDetail
from mulligan.wire.rest.steps import EditOperation


def replay(
    run_id: str | None = None,
    /,
    *,
    query: Annotated[
        str | None, Parameter(name=["--query", "-q"], help="Replay all runs that match, as one bulk replay.")
    ] = None,
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
        str | None,
        Parameter(
            name="--input",
            help="A whole new run input as JSON, @file or - for standard input.",
            allow_leading_hyphen=True,
        ),
    ] = None,
    code: Annotated[str, Parameter(help="latest, same, or the number of a version.")] = "latest",
    from_beginning: Annotated[bool, Parameter(help="Run every step again.")] = False,
    reason: Annotated[str, Parameter(help="Why, for those who look at the run later.")] = "",
    fresh_key: Annotated[bool, Parameter(help="New idempotency keys: effects may happen a second time.")] = False,
    plan: Annotated[bool, Parameter(help="Only show what would happen.")] = False,
    yes: Annotated[bool, Parameter(name=["--yes", "-y"], help="Do not ask.")] = False,
    wait: Annotated[bool, Parameter(help="Wait for the end; exit code 1 if the new run fails.")] = False,
    brakes: Brakes | None = None,
    output: Format = "table",
    target: Target | None = None,
) -> int:
    """Replay RUN_ID: a new run that keeps earlier results and runs the rest again. Or, with -q, many runs at once.

    The beginning of the id is enough, if no other run's begins like this.

    Example: mulligan replay RUN --from summary --set doc.lang=fr --playground temperature=0 --plan
    Example: mulligan replay -q "status:failed since:1h" --canary 1 --canary 10% --stop-after 2 --reason "outage over"
    """
    if (run_id is None) == (query is None):
        raise InvalidInput("Name the run to replay, or with -q the runs that match; one of the two.")
    if from_beginning and start:
        raise InvalidInput("--from and --from-beginning exclude each other: leave one out.")
    request = ReplayRequest(
        start_steps=start or [],
        from_beginning=from_beginning,
        input=msgspec.UNSET if document is None else msgspec.Raw(read_document(document, "--input")),
        playground=read_overrides(playground or []),
        code=code,
        reason=reason,
        fresh_key=fresh_key,
    )
    edits = [parse_assignment(text, "--set") for text in sets or []]
    with connect(target) as server:
        if run_id is None:
            request = _with_edits_for_all(request, edits)
            return replay_matching(server, query or "", request, brakes or Brakes(), plan=plan, yes=yes, output=output)
        run_id = server.run_id(run_id)
        if edits:
            request = _with_edits(server, run_id, request, edits)
        with hinting_at_quotes(sets or []):
            planned = server.post(f"/runs/{quoted(run_id)}/replay/plan", write(request))
        if plan:
            _show_plan(planned, output)
            return OK
        if not yes and not _agreed(planned):
            return OK
        chosen = planned.read(ReplayPlan)
        if yes:
            for warning in chosen.warnings:
                hint(f"Careful: {plain(warning)}")
        command = ReplayCommand(**msgspec.structs.asdict(request), token=chosen.token)
        key = f"cli-{secrets.token_hex(16)}"
        made = server.post(f"/runs/{quoted(run_id)}/replay", write(command), idempotency_key=key)
        return follow(server, made, made.read(Replayed).id, wait, output)


def _with_edits(server: Server, run_id: str, request: ReplayRequest, edits: list[Assignment]) -> ReplayRequest:
    """Turn ``--set`` into JSON Patches of the document that each path belongs to."""
    if request.from_beginning:
        if request.input:
            raise InvalidInput("--input already gives the whole run input: put the --set values into it.")
        document = server.get(f"/runs/{quoted(run_id)}/input").text
        return msgspec.structs.replace(request, input_patch=_patch(document, edits))
    steps = request.start_steps or _failed_steps(server, run_id)
    by_step: dict[str, list[Assignment]] = {}
    for edit in edits:
        step, rest = _step_of(edit, steps)
        by_step.setdefault(step, []).append(rest)
    patches = {
        step: _patch(server.get(f"/runs/{quoted(run_id)}/steps/{quoted(step)}/input").text, mine)
        for step, mine in by_step.items()
    }
    return msgspec.structs.replace(request, start_steps=steps, patches=patches)


def _with_edits_for_all(request: ReplayRequest, edits: list[Assignment]) -> ReplayRequest:
    """Each run has documents of its own, so that only patches can be meant."""
    if request.from_beginning:
        operations = [_operation(one) for edit in edits for one in set_in_any(*edit)]
        return msgspec.structs.replace(request, input_patch=operations)
    if edits and not request.start_steps:
        raise InvalidInput("With -q, --set needs --from STEP or --from-beginning: the runs may have failed anywhere.")
    patches: dict[str, list[EditOperation]] = {}
    for edit in edits:
        step, rest = _step_of(edit, request.start_steps)
        patches.setdefault(step, []).extend(_operation(one) for one in set_in_any(*rest))
    return msgspec.structs.replace(request, patches=patches)


def _patch(document: bytes, edits: Iterable[Assignment]) -> list[EditOperation]:
    """One patch for all edits; each is made on what those before it left."""
    operations: list[PatchOp] = []
    for path, value in edits:
        patch = set_path(document, path, value)
        document = apply_patch(document, patch)
        operations += patch
    return [_operation(one) for one in operations]


def _operation(one: PatchOp) -> EditOperation:
    return EditOperation(op=one.op, path=one.path, value=msgspec.Raw((one.value or "null").encode()))


def _failed_steps(server: Server, run_id: str) -> list[str]:
    run = server.get(f"/runs/{quoted(run_id)}").read(RunDetail)
    failed = [step.name for step in run.steps if step.status == "failed" and step.kind == "call"]
    if not failed:
        raise InvalidInput("No step of this run failed, so --set needs --from STEP or --from-beginning.")
    return failed


def _step_of(edit: Assignment, steps: list[str]) -> tuple[str, Assignment]:
    if len(steps) == 1:
        return steps[0], edit
    step, _, rest = edit.name.partition(".")
    if step in steps and rest:
        return step, Assignment(rest, edit.value)
    raise InvalidInput(
        f"--set {edit.name}: the replay starts from several steps, so the path begins with one of them: "
        f"{', '.join(steps)}. Such as --set {steps[0]}.{edit.name}=…"
    )


def _show_plan(planned: Answer, output: str) -> None:
    if output == "json":
        print_json(planned)
        return
    plan = planned.read(ReplayPlan)
    print_changes(plan.edits, plan.overrides)
    print_table(
        ("step", "action", "effect", "why"),
        [(step.name, styled(step.action), styled(step.effect), step.why) for step in plan.steps],
    )
    say()
    say(plain(plan.summary), style="bold")
    if plan.code.changed:
        say(f"Code: version {plan.code.number}; the source ran on version {plan.code.source_number}.")
    for warning in plan.warnings:
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
