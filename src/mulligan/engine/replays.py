"""How a replay is prepared and made: loads what the rules in ``core.replay`` need, and sends one command.

Dashboard, API, CLI, SDK and bulk replays all come through here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from mulligan.core.commands import ReplayRun, Started
from mulligan.core.document import apply_patch, diff, split_object
from mulligan.core.facts import Produced, RunFacts
from mulligan.core.inputs import build_input, outputs_needed
from mulligan.core.records import (
    EVERY_STEP,
    Overrides,
    Patch,
    PatchOp,
    Reading,
    Replay,
    Run,
    StepDefinition,
    StepKind,
    Variable,
    Version,
)
from mulligan.core.replay import (
    Plan,
    PlannedEdit,
    PlannedOverride,
    ReplayRequest,
    Selection,
    check_targets,
    choose_version,
    edits_of,
    idle_resets,
    inherited_edits,
    kept_metadata,
    overrides_in_force,
    plan_steps,
    plan_token,
    request_digest,
    select,
    stale_steps,
    warnings_for,
    without_stale,
)
from mulligan.engine.currency import current, digests_served
from mulligan.engine.playground import check_values
from mulligan.engine.publish import by_number, facts_of
from mulligan.engine.validation import problems_in, raise_for
from mulligan.errors import Conflict, InvalidInput, NotFound, Problem, Refused
from mulligan.ports.store import RunDocument

if TYPE_CHECKING:
    from mulligan.engine.api import Engine


@dataclass(frozen=True, slots=True)
class Replayed:
    """The answer to a replay: the new run (or the one that the same request had made before), and its plan."""

    run_id: str
    source_id: str
    existing: bool
    plan: Plan


@dataclass(frozen=True, slots=True)
class Prepared:
    """A checked replay, ready to be made."""

    plan: Plan
    request: ReplayRequest
    selection: Selection
    pinned: bool
    run_input: bytes
    input_edit: Patch
    step_edits: dict[str, Patch]
    new_edits: dict[str, Patch]
    overrides: Overrides
    metadata: dict[str, str]
    newest: str


@dataclass(frozen=True)
class Source:
    """The source run with the payloads that its replay may need, seen through the version that will run."""

    document: RunDocument
    facts: RunFacts
    target: Version
    newest: Version
    pinned: bool
    selection: Selection
    run_input: bytes
    produced: Produced

    def step_input(self, step: StepDefinition, run_input: bytes, edits: Patch) -> bytes | None:
        """The input that ``step`` would get, or None while a parent that it reads has no result in the source run."""
        outputs: dict[str, bytes] = {}
        for parent, ref in outputs_needed(self.facts, step).items():
            payload = None if ref is None else self.produced.outputs.get(ref)
            if payload is None:
                return None
            outputs[parent] = payload
        return build_input(step, run_input, outputs, edits)

    def takes(self, name: str, run_input: bytes, edit: Patch) -> bool:
        """Whether an earlier edit fits what the step would get now, as far as that is known."""
        step = self.target.definition.by_name[name]
        try:
            for document in {self.run_input, run_input}:
                self.step_input(step, document, edit)
        except InvalidInput:
            return False
        return True

    def readings(self, step: str) -> dict[str, Reading]:
        """What the last attempt of ``step`` that read anything read, by name."""
        return self._readings.get(step, {})

    @cached_property
    def _readings(self) -> dict[str, dict[str, Reading]]:
        found: dict[str, dict[str, Reading]] = {}
        for attempt in by_number(self.document.ended):
            of_step = found.setdefault(attempt.step, {})
            of_step.update({reading.name: reading for reading in attempt.readings})
        return found


class Replays:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def prepare(self, namespace: str, run_id: str, request: ReplayRequest) -> Prepared:
        """Check everything about a replay, and create nothing. Raises what ``Engine.plan_replay`` says."""
        source = await self._load(namespace, run_id, request)
        check_targets(request, source.selection)
        run_input, input_edit = edited_input(source, request)
        earlier = inherited_edits(source.facts, request, source.selection.running)
        inherited = {step: edit for step, edit in earlier.items() if source.takes(step, run_input, edit)}
        new_edits = edited_steps(source, request, inherited)
        step_edits = {step: (*inherited.get(step, ()), *new_edits.get(step, ())) for step in {**inherited, **new_edits}}
        check_inputs(source, run_input, bool(input_edit), step_edits)
        variables = await self._engine.store.variables(namespace, source.facts.run.workflow)
        unread = check_values(request.overrides, lambda step: known_schemas(source, step, variables))
        remarks = (*unread, *edits_told(earlier, inherited))
        return Prepared(
            plan=make_plan(source, request, input_edit, inherited, new_edits, remarks),
            request=request,
            selection=source.selection,
            pinned=source.pinned,
            run_input=run_input,
            input_edit=input_edit,
            step_edits=step_edits,
            new_edits=new_edits,
            overrides=overrides_in_force(source.facts, request, source.target.definition.by_name),
            metadata=kept_metadata(source.facts, source.target.definition),
            newest=source.newest.digest,
        )

    async def _load(self, namespace: str, run_id: str, request: ReplayRequest) -> Source:
        store = self._engine.store
        document = await store.run(namespace, run_id)
        if document is None:
            raise removed(run_id)
        facts = facts_of(document)
        versions = await store.versions(namespace, document.run.workflow)
        served = await digests_served(store, namespace, self._engine.clock.now())
        latest = current(versions, served.get(document.run.workflow, ()))
        target, pinned = choose_version(request, document.version, versions, latest)
        selection = select(facts, target.definition, request)
        running = [step for step in target.definition.steps if step.name in selection.running]
        refs = dict.fromkeys(ref for step in running for ref in outputs_needed(facts, step).values() if ref is not None)
        produced = await self._engine.payloads.fetch([run_id], refs)
        if run_id not in produced.inputs or not refs.keys() <= produced.outputs.keys():
            raise removed(run_id)  # between the two reads
        newest = versions[0] if versions else target
        return Source(document, facts, target, newest, pinned, selection, produced.inputs[run_id], produced)

    async def replay(
        self,
        namespace: str,
        run_id: str,
        request: ReplayRequest,
        *,
        author: str,
        token: str | None,
        idempotency_key: str | None,
        priority: int | None,
        bulk_id: str | None,
    ) -> Replayed:
        content = request_digest(run_id, request)

        async def make(prepared: Prepared) -> Replayed:
            return await self._make(namespace, prepared, author, idempotency_key, content, priority, bulk_id)

        try:
            return await self._replay(namespace, run_id, request, token, make)
        except Refused:
            made = await self._made_before(namespace, run_id, idempotency_key)
            if made is None:
                raise
            # What was made before is the answer, though it could not be made any more: code was deployed since.
            request = msgspec.structs.replace(request, code=made.version)
            return await make(await self.prepare(namespace, run_id, request))

    async def _replay(
        self,
        namespace: str,
        run_id: str,
        request: ReplayRequest,
        token: str | None,
        make: Callable[[Prepared], Awaitable[Replayed]],
    ) -> Replayed:
        while True:
            prepared = await self.prepare(namespace, run_id, request)
            if token is not None and token != prepared.plan.token:
                raise Conflict(
                    "The run, the code or the edits have changed since this plan was made. Plan again and look at it.",
                    code="plan_outdated",
                )
            try:
                return await make(prepared)
            except Conflict as conflict:
                # Nobody has looked at a plan: one for the code that has come in between is as good.
                if token is not None or conflict.code != "plan_outdated":
                    raise

    async def _made_before(self, namespace: str, run_id: str, idempotency_key: str | None) -> Run | None:
        """The replay of this run that was made under the key; whether by the same request is decided with the rest."""
        document = await self._engine.store.run(namespace, run_id)
        if document is None or idempotency_key is None:
            return None
        family = await self._engine.store.family(namespace, document.run.family_id)
        made = (run for run, _ in family if run.source_id == run_id and run.idempotency_key == idempotency_key)
        return next(made, None)

    async def _make(
        self,
        namespace: str,
        prepared: Prepared,
        author: str,
        idempotency_key: str | None,
        content: str,
        priority: int | None,
        bulk_id: str | None,
    ) -> Replayed:
        plan, request = prepared.plan, prepared.request
        replay = Replay(
            run_id=self._engine.chance.new_id(),
            source_id=plan.source_id,
            namespace=namespace,
            start_steps=plan.start_steps,
            kept=prepared.selection.kept,
            created_at=self._engine.clock.now(),
            author=author,
            reason=request.reason,
            step_edits=prepared.step_edits,
            new_edits=prepared.new_edits,
            input_edit=prepared.input_edit,
            new_overrides=request.overrides,
            code=request.code,
            from_beginning=request.from_beginning,
        )
        started: Started = await self._engine.submit(
            ReplayRun(
                replay=replay,
                workflow=plan.workflow,
                digest=plan.digest,
                pinned=prepared.pinned,
                input=prepared.run_input,
                overrides=prepared.overrides,
                fresh_key=request.fresh_key,
                idempotency_key=idempotency_key,
                content=content,
                metadata=prepared.metadata,
                priority=priority,
                bulk_id=bulk_id,
                newest=prepared.newest,
            )
        )
        return Replayed(started.run_id, plan.source_id, started.existing, plan)


def removed(run_id: str) -> NotFound:
    return NotFound(f"There is no run {run_id!r}. It may have been removed by retention.")


# ── Edits ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def edited_input(source: Source, request: ReplayRequest) -> tuple[bytes, Patch]:
    """The new run's input, and the patch that made it. Without an edit it is the source's, byte for byte; a whole
    edited document becomes the input as it was written."""
    if request.input is not None:
        patch = diff(source.run_input, request.input)
        return (request.input, patch) if patch else (source.run_input, ())
    patch = request.input_patch
    return (apply_patch(source.run_input, patch), patch) if patch else (source.run_input, ())


def edited_steps(source: Source, request: ReplayRequest, inherited: dict[str, Patch]) -> dict[str, Patch]:
    """The new edit of each step, as a patch on top of the input that it had in the source run."""
    edits: dict[str, Patch] = {}
    for step in source.target.definition.steps:
        patch = request.patches.get(step.name, ())
        if step.name in request.inputs:
            before = source.step_input(step, source.run_input, inherited.get(step.name, ()))
            patch = patch_to(before, request.inputs[step.name])
        if patch:
            edits[step.name] = patch
    return edits


def edits_told(earlier: dict[str, Patch], inherited: dict[str, Patch]) -> list[str]:
    """What became of the edits of earlier replays: a person who replays again must not find them out by the result."""
    told = []
    for step, edit in earlier.items():
        paths = ", ".join(sorted({operation.path for operation in edit}))
        told.append(
            f"An earlier edit of the input of {step} stays in force ({paths})."
            if step in inherited
            else f"An earlier edit of the input of {step} does not fit any more, and is left out ({paths})."
        )
    return told


def patch_to(before: bytes | None, after: bytes) -> Patch:
    """From the step's known input to the edited document; if the input is not known, every argument is set."""
    if before is not None:
        return diff(before, after)
    return tuple(
        PatchOp(op="replace", path="/" + name.replace("~", "~0").replace("/", "~1"), value=value.decode())
        for name, value in split_object(after).items()
    )


def check_inputs(source: Source, run_input: bytes, input_edited: bool, step_edits: dict[str, Patch]) -> None:
    """Edited documents must be valid for the code that will run. Raises InvalidInput with every problem."""
    definition = source.target.definition
    problems: list[Problem] = []
    if input_edited:
        problems += problems_in(run_input, definition.input_schema, "run input")
    for step in definition.steps:
        edits = step_edits.get(step.name)
        if not edits:
            continue
        document = source.step_input(step, run_input, edits)
        if document is not None:
            problems += problems_in(document, step.input_schema, f"input of step {step.name}")
    raise_for(problems)


# ── Overrides ────────────────────────────────────────────────────────────────────────────────────────────────────────


def known_schemas(source: Source, step: str, seen: list[Variable]) -> dict[str, str]:
    """Variable name -> schema: what the step was seen to read, in this run above all, else in any run."""
    steps = source.selection.running if step == EVERY_STEP else {step}
    schemas = {variable.name: variable.schema for variable in seen if variable.step in steps}
    for name in steps:
        schemas.update({reading.name: reading.schema for reading in source.readings(name).values()})
    return schemas


# ── The plan ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def make_plan(
    source: Source,
    request: ReplayRequest,
    input_edit: Patch,
    inherited: dict[str, Patch],
    new_edits: dict[str, Patch],
    remarks: Iterable[str],
) -> Plan:
    target, selection = source.target, source.selection
    stale = stale_steps(target.definition, selection, input_edited=bool(input_edit))
    steps = plan_steps(source.facts, target, selection, request, stale)
    code = source.document.version
    warnings = warnings_for(steps, code, target, source.newest, pinned=source.pinned, fresh_key=request.fresh_key)
    return Plan(
        source_id=source.facts.run.id,
        workflow=target.workflow,
        code=request.code,
        digest=target.digest,
        number=target.number,
        source_digest=code.digest,
        source_number=code.number,
        start_steps=selection.start_steps,
        steps=steps,
        suggested_start_steps=without_stale(target.definition, selection, stale),
        edits=planned_edits(source, input_edit, inherited, new_edits),
        overrides=planned_overrides(source, request),
        warnings=(*warnings, *remarks, *idle_resets(source.facts, request)),
        token=plan_token(source.facts, target, source.newest, selection, request),
    )


def planned_edits(
    source: Source, input_edit: Patch, inherited: dict[str, Patch], new_edits: dict[str, Patch]
) -> tuple[PlannedEdit, ...]:
    edits = edits_of("input", input_edit, source.run_input)
    for name, patch in new_edits.items():
        step = source.target.definition.by_name[name]
        before = source.step_input(step, source.run_input, inherited.get(name, ()))
        edits += edits_of(name, patch, before)
    return tuple(edits)


def planned_overrides(source: Source, request: ReplayRequest) -> tuple[PlannedOverride, ...]:
    """What is given now, and what is reset: to the default that the source run has read."""
    running = [
        step.name
        for step in source.target.definition.steps
        if step.name in source.selection.running and step.kind is StepKind.CALL
    ]

    def read(step: str, name: str) -> Reading | None:
        readers = running if step == EVERY_STEP else [step]
        return next((found for one in readers if (found := source.readings(one).get(name)) is not None), None)

    planned: list[PlannedOverride] = []
    for step, values in request.overrides.items():
        for name, after in values.items():
            before = read(step, name)
            planned.append(
                PlannedOverride(step=step, name=name, before=None if before is None else before.value, after=after)
            )
    for step, names in request.reset_overrides.items():
        for name in names:
            before = read(step, name)
            if before is not None and before.override is not None and name not in request.overrides.get(step, {}):
                planned.append(PlannedOverride(step=step, name=name, before=before.value, after=before.default))
    return tuple(planned)
