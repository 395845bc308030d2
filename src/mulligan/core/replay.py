"""The rules of a replay: what is kept, what runs again, which edits and overrides are in force, and what is stale.

Pure: the engine loads the source run, its payloads and the target version, and asks here. One function makes plans for
the dashboard, the API, the CLI, the SDK and bulk replays alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import chain
from typing import Literal

import msgspec

from mulligan.core.decide.advance import has_result, is_kept
from mulligan.core.document import values_before
from mulligan.core.facts import RunFacts
from mulligan.core.inputs import output_ref, unknown_step
from mulligan.core.lifecycle import OUTCOMES_THAT_FAIL, is_terminal
from mulligan.core.records import (
    EVERY_STEP,
    Effect,
    OutputRef,
    Overrides,
    Patch,
    Record,
    StepDefinition,
    StepKind,
    Version,
    WorkflowDefinition,
)
from mulligan.errors import Conflict, InvalidInput, NotFound, Problem

Action = Literal["keep", "run", "not_reached"]


class ReplayRequest(Record, frozen=True):
    """What a person asks for. Payloads are JSON texts.

    ``start_steps`` empty means every failed step (or every step, with ``from_beginning``). ``inputs`` are whole edited
    documents, ``patches`` are JSON Patches; both are per step and on top of the edits that the source run had.
    ``code``: ``latest``, ``same``, or a version's number or digest.
    """

    start_steps: tuple[str, ...] = ()
    from_beginning: bool = False
    inputs: dict[str, bytes] = {}
    patches: dict[str, Patch] = {}
    input: bytes | None = None
    input_patch: Patch = ()
    overrides: Overrides = {}
    reset_overrides: dict[str, tuple[str, ...]] = {}
    reset_edits: tuple[str, ...] = ()
    code: str = "latest"
    reason: str = ""
    fresh_key: bool = False


class PlannedStep(Record, frozen=True):
    """What a replay will do with one step, and why, in words."""

    name: str
    action: Action
    why: str
    effect: Effect = "none"
    ran_before: bool = False
    stale: bool = False
    edited: bool = False
    kept_from: OutputRef | None = None
    overrides: tuple[str, ...] = ()


class PlannedEdit(Record, frozen=True):
    """One edited value. ``target`` is a step name, or ``input`` for the run input; texts are JSON, None for absent."""

    target: str
    op: str
    path: str
    before: str | None
    after: str | None


class PlannedOverride(Record, frozen=True):
    """One override given now. ``before``: the effective value that the source run's step read, if it read any."""

    step: str
    name: str
    before: str | None
    after: str | None


class Plan(Record, frozen=True):
    """A replay as it would be made. ``token`` stands for everything in it; executing with another one is refused."""

    source_id: str
    workflow: str
    code: str
    digest: str
    number: int
    source_digest: str
    source_number: int
    start_steps: tuple[str, ...]
    steps: tuple[PlannedStep, ...]
    suggested_start_steps: tuple[str, ...]
    edits: tuple[PlannedEdit, ...]
    overrides: tuple[PlannedOverride, ...]
    warnings: tuple[str, ...]
    token: str

    @property
    def kept(self) -> dict[str, OutputRef]:
        return {step.name: step.kept_from for step in self.steps if step.kept_from is not None}

    @property
    def running(self) -> tuple[str, ...]:
        return tuple(step.name for step in self.steps if step.action == "run")

    @property
    def summary(self) -> str:
        """The plan in one line."""
        kept = [step.name for step in self.steps if step.action == "keep"]
        text = f"Runs {', '.join(self.running)}."
        return f"Keeps {', '.join(kept)}. {text}" if kept else text


@dataclass(frozen=True, slots=True)
class Selection:
    """Which steps of the target version run afresh, and which outputs are kept."""

    start_steps: tuple[str, ...]
    running: frozenset[str]
    kept: dict[str, OutputRef]


# ── Choosing ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def choose_version(
    request: ReplayRequest, source: Version, versions: Iterable[Version], latest: Version | None
) -> tuple[Version, bool]:
    """The version that will run, and whether the run is pinned to exactly that code. ``versions``: newest first.

    Raises NotFound (unknown_version).
    """
    known = list(versions)
    if request.code == "same":
        return source, True
    if request.code == "latest":
        return latest or source, False
    for version in known:
        if request.code in (version.digest, str(version.number)):
            return version, True
    numbers = ", ".join(str(version.number) for version in known[:10])
    raise NotFound(
        f"Workflow {source.workflow!r} has no version {request.code!r}. Choose latest, same, or one of: {numbers}.",
        code="unknown_version",
    )


def failed_steps(source: RunFacts) -> tuple[str, ...]:
    """Steps whose last attempt did not succeed, in order of declaration."""
    return tuple(
        step.name
        for step in source.version.definition.steps
        if step.kind is not StepKind.ON_FAILURE
        and (ended := source.ended.get(step.name)) is not None
        and ended.outcome in OUTCOMES_THAT_FAIL
    )


def select(source: RunFacts, target: WorkflowDefinition, request: ReplayRequest) -> Selection:
    """Which steps run again and which are kept, in the graph of the version that will run.

    A step runs afresh if it is a start step, if it has no result to keep, or if anything it depends on runs afresh.
    Raises Conflict (not_finished) for a run that still runs, InvalidInput (unknown_step) for a step it does not have.
    """
    if not is_terminal(source.run.status):
        raise Conflict(
            f"Run {source.run.id} is still running. Wait until it has finished, or cancel it first.",
            code="not_finished",
        )
    ordinary = [step for step in target.steps if step.kind is not StepKind.ON_FAILURE]
    starts = start_steps(source, ordinary, request)
    running: set[str] = set()
    for step in in_order(ordinary):
        afresh = step.name in starts or not has_result(source, step.name)
        if afresh or any(parent in running for parent in step.parents):
            running.add(step.name)
    kept = {
        step.name: ref
        for step in ordinary
        if step.name not in running and (ref := output_ref(source, step.name)) is not None
    }
    if not running:
        raise InvalidInput(
            "Every step of this run has succeeded, so nothing would run. Choose a step to start from, "
            "or replay from the beginning.",
            code="nothing_to_run",
        )
    if not starts:
        starts = tuple(step.name for step in ordinary if step.name in running and not set(step.parents) & running)
    return Selection(starts, frozenset(running), kept)


def start_steps(source: RunFacts, ordinary: list[StepDefinition], request: ReplayRequest) -> tuple[str, ...]:
    names = {step.name for step in ordinary}
    if request.from_beginning:
        return tuple(step.name for step in ordinary if not step.parents)
    unknown = [name for name in request.start_steps if name not in names]
    if unknown:
        raise InvalidInput(
            f"The workflow has no step {unknown[0]!r} in the version that will run. Its steps are: "
            f"{', '.join(sorted(names))}.",
            code="unknown_step",
            problems=(Problem("/start_steps", f"unknown step {unknown[0]!r}"),),
        )
    if request.start_steps:
        return tuple(step.name for step in ordinary if step.name in request.start_steps)
    return tuple(name for name in failed_steps(source) if name in names)


def in_order(steps: list[StepDefinition]) -> list[StepDefinition]:
    """Parents before children; parents that are not among them do not matter. The graph is acyclic: declarations are
    checked when they are registered."""
    by_name = {step.name: step for step in steps}
    graph = {name: [parent for parent in step.parents if parent in by_name] for name, step in by_name.items()}
    try:
        return [by_name[name] for name in TopologicalSorter(graph).static_order()]
    except CycleError:
        raise InvalidInput("The graph of this workflow has a cycle.", code="invalid_input") from None


# ── Edits and overrides in force ─────────────────────────────────────────────────────────────────────────────────────


def check_targets(request: ReplayRequest, selection: Selection) -> None:
    """Edits and overrides must aim at steps that run afresh. Raises InvalidInput naming the step and what to do."""
    changes = (request.inputs, request.patches, request.overrides, request.reset_overrides, request.reset_edits)
    for name in chain(*changes):
        if name == EVERY_STEP or name in selection.running:
            continue
        if name in selection.kept:
            rule = f"step {name!r} is kept, so a change of its input or variables would do nothing"
            message = f"{rule[0].upper()}{rule[1:]}. Add it to the steps that run again, or drop the change."
            raise InvalidInput(message, code="step_is_kept", problems=(Problem("", rule, f"step {name}"),))
        raise unknown_step(name, selection.running | selection.kept.keys())


def inherited_edits(source: RunFacts, request: ReplayRequest, running: frozenset[str]) -> dict[str, Patch]:
    """The source's own edits, for the steps that run afresh: a replay has the same input data unless it is edited."""
    if source.replay is None:
        return {}
    return {
        step: patch
        for step, patch in source.replay.step_edits.items()
        if step in running and step not in request.reset_edits
    }


def idle_resets(source: RunFacts, request: ReplayRequest) -> list[str]:
    """A warning for each reset of what was not changed. No refusal: one request may be meant for many runs."""
    overrides = source.run.overrides
    edited = {} if source.replay is None else source.replay.step_edits
    idle = [f"the input of {step} was not edited" for step in request.reset_edits if step not in edited]
    for step, names in request.reset_overrides.items():
        places = overrides.values() if step == EVERY_STEP else (overrides.get(step, {}), overrides.get(EVERY_STEP, {}))
        set_before = {name for values in places for name in values}
        where = "" if step == EVERY_STEP else f" of {step}"
        idle += [f"variable {name}{where} was not overridden" for name in names if name not in set_before]
    return [f"Nothing to reset: {each}." for each in idle]


def overrides_in_force(source: RunFacts, request: ReplayRequest, steps: Iterable[str]) -> Overrides:
    """The source's overrides, less those reset, with those given now on top. ``steps``: all that the target has."""
    in_force: Overrides = {}
    for step, values in _spread(source.run.overrides, request.reset_overrides, steps).items():
        dropped = set(request.reset_overrides.get(step, ())) | set(request.reset_overrides.get(EVERY_STEP, ()))
        left = {name: value for name, value in values.items() if name not in dropped}
        if left:
            in_force[step] = left
    for step, values in request.overrides.items():
        if step == EVERY_STEP:
            in_force = {
                other: {name: old for name, old in olds.items() if name not in values}
                for other, olds in in_force.items()
                if other != EVERY_STEP
            } | ({EVERY_STEP: in_force[EVERY_STEP]} if EVERY_STEP in in_force else {})
        in_force[step] = {**in_force.get(step, {}), **values}
    return {step: values for step, values in in_force.items() if values}


def _spread(overrides: Overrides, resets: Mapping[str, Collection[str]], steps: Iterable[str]) -> Overrides:
    """What is given for every step, and reset at one of them, is then given for each of the others."""
    everywhere = overrides.get(EVERY_STEP, {})
    reset_somewhere = {name for step, names in resets.items() if step != EVERY_STEP for name in names}
    apart = {name: value for name, value in everywhere.items() if name in reset_somewhere}
    if not apart:
        return overrides
    left = {name: value for name, value in everywhere.items() if name not in apart}
    return {EVERY_STEP: left} | {step: {**apart, **overrides.get(step, {})} for step in steps}


def kept_metadata(source: RunFacts, target: WorkflowDefinition) -> dict[str, str]:
    """What of the source's metadata is the new run's, too."""
    allowed = target.replay_metadata
    return {name: value for name, value in source.run.metadata.items() if allowed is None or name in allowed}


def stale_steps(definition: WorkflowDefinition, selection: Selection, *, input_edited: bool) -> dict[str, str]:
    """Kept step -> why its result is stale: it had read the run input, which is edited now, or another stale result."""
    if not input_edited:
        return {}
    stale: dict[str, str] = {}
    for step in in_order([step for step in definition.steps if step.name in selection.kept]):
        read = [parent for parent in step.outputs_read if parent in stale]
        if step.reads_run_input:
            stale[step.name] = "it was computed from the run input as it was before the edit"
        elif read:
            stale[step.name] = f"it was computed from {', '.join(read)}, whose result is stale"
    return stale


def without_stale(definition: WorkflowDefinition, selection: Selection, stale: Mapping[str, str]) -> tuple[str, ...]:
    """The smallest set of start steps with which no kept result is stale (and everything chosen still runs)."""
    wanted = set(selection.start_steps) | set(stale)
    covered: set[str] = set()
    minimal: list[str] = []
    for step in in_order([step for step in definition.steps if step.kind is not StepKind.ON_FAILURE]):
        below = any(parent in covered for parent in step.parents)
        if below:
            covered.add(step.name)
        elif step.name in wanted:
            covered.add(step.name)
            minimal.append(step.name)
    return tuple(minimal)


# ── The plan ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def plan_steps(
    source: RunFacts, target: Version, selection: Selection, request: ReplayRequest, stale: Mapping[str, str]
) -> tuple[PlannedStep, ...]:
    return tuple(plan_step(step, source, target, selection, request, stale) for step in target.definition.steps)


def plan_step(
    step: StepDefinition,
    source: RunFacts,
    target: Version,
    selection: Selection,
    request: ReplayRequest,
    stale: Mapping[str, str],
) -> PlannedStep:
    name = step.name
    ran_before = name in source.ended or is_kept(source, name)
    if step.kind is StepKind.ON_FAILURE:
        why = "runs only if the replay fails"
        return PlannedStep(name=name, action="not_reached", why=why, effect=step.effect, ran_before=ran_before)
    if name in selection.kept:
        return PlannedStep(
            name=name,
            action="keep",
            why=stale.get(name, "its result is kept"),
            effect=step.effect,
            ran_before=True,
            stale=name in stale,
            kept_from=selection.kept[name],
        )
    return PlannedStep(
        name=name,
        action="run",
        why=why_it_runs(step, source, selection),
        effect=step.effect,
        ran_before=ran_before,
        edited=name in request.inputs or name in request.patches,
        overrides=tuple(sorted({**request.overrides.get(EVERY_STEP, {}), **request.overrides.get(name, {})})),
    )


def why_it_runs(step: StepDefinition, source: RunFacts, selection: Selection) -> str:
    if step.name in selection.start_steps:
        ended = source.ended.get(step.name)
        failed = ended is not None and ended.outcome in OUTCOMES_THAT_FAIL
        return "it failed" if failed else "chosen as a start"
    above = [parent for parent in step.parents if parent in selection.running]
    if above:
        return f"it depends on {', '.join(above)}"
    return "it has no result to keep"


def edits_of(target: str, patch: Patch, document: bytes | None) -> list[PlannedEdit]:
    """The operations of a patch with what stood there before each; ``document`` is None if nobody knows it.

    Raises ``InvalidInput`` if the patch does not fit the document.
    """
    values = [None] * len(patch) if document is None or not patch else values_before(document, patch)
    return [
        PlannedEdit(
            target=target, op=op.op, path=op.path, before=None if value is None else value.decode(), after=op.value
        )
        for op, value in zip(patch, values, strict=True)
    ]


def warnings_for(
    steps: Iterable[PlannedStep], source: Version, target: Version, newest: Version, *, pinned: bool, fresh_key: bool
) -> tuple[str, ...]:
    """Sentences about what a person would want to know before pressing Replay."""
    found: list[str] = []
    for step in steps:
        # What is idempotent does no harm twice, as long as its key is the same.
        harmless = step.effect == "none" or (step.effect == "idempotent" and not fresh_key)
        if step.action != "run" or harmless:
            continue
        before = "it ran before and will run again" if step.ran_before else "it did not run before and will run now"
        found.append(f"{step.name} is declared {step.effect}: {before}.")
    stale = [step.name for step in steps if step.stale]
    if stale:
        found.append(f"Kept but stale, because the run input is edited: {', '.join(stale)}.")
    if source.digest != target.digest:
        found.append(f"The code differs: the source ran version {source.number}, this runs version {target.number}.")
    if newest.digest != target.digest and not pinned:
        found.append(f"Version {newest.number} is newer, and no worker that is there has it.")
    if pinned:
        found.append(f"Only a worker that has exactly version {target.number} can run this.")
    return tuple(found)


def request_digest(source_id: str, request: ReplayRequest) -> str:
    """What makes two requests for a replay the same request, whatever code they would meet."""
    asked = msgspec.structs.replace(request, reason="")
    return hashlib.sha256(msgspec.json.encode((source_id, asked), order="deterministic")).hexdigest()[:32]


def plan_token(source: RunFacts, target: Version, newest: Version, selection: Selection, request: ReplayRequest) -> str:
    """A digest over run, code and everything asked for: equal tokens mean equal replays."""
    facts = (
        request_digest(source.run.id, request),
        target.digest,
        newest.digest if request.code == "latest" else "",
        selection.start_steps,
        sorted(selection.running),
        sorted(selection.kept.items()),
    )
    return hashlib.sha256(msgspec.json.encode(facts, order="deterministic")).hexdigest()[:32]
