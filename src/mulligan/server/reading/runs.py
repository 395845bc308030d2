"""Runs as shapes: a line of the list, the page of one, its graph and its lineage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET, Raw

from mulligan.core.inputs import parent_of
from mulligan.core.records import RecordedError, Replay, Run, RunStatus, WorkflowDefinition
from mulligan.engine.api import RunRow
from mulligan.server.reading.errors import error_details
from mulligan.server.reading.payloads import shown_overrides, shown_patch
from mulligan.server.reading.scene import Scene
from mulligan.server.reading.spans import ms_between
from mulligan.server.reading.steps import step_summary
from mulligan.server.reading.waiting import why_run_waits
from mulligan.wire.rest.codec import RunState
from mulligan.wire.rest.runs import (
    Graph,
    GraphEdge,
    GraphNode,
    Lineage,
    LineageReplay,
    LineageRun,
    ReplayInfo,
    ReplayLink,
    RunDetail,
    RunSummary,
)
from mulligan.wire.rest.steps import KeptFrom

INPUT_HEAD = 200

FamilyMember = tuple[RunRow, Replay | None]

_STATES: dict[RunStatus, RunState] = {
    RunStatus.RUNNING: "running",
    RunStatus.SUCCEEDED: "succeeded",
    RunStatus.FAILED: "failed",
    RunStatus.CANCELLED: "cancelled",
}


def shown_status(status: RunStatus, *, started: bool) -> RunState:
    return _STATES[status] if started or status is not RunStatus.RUNNING else "queued"


def _summary_fields(run: Run, version_number: int, input_head: str, *, started: bool) -> dict[str, Any]:
    return {
        "id": run.id,
        "workflow": run.workflow,
        "version": version_number,
        "digest": run.version,
        "status": shown_status(run.status, started=started),
        "created_at": run.created_at,
        "finished_at": run.finished_at,
        "duration_ms": ms_between(run.created_at, run.finished_at),
        "input_head": input_head,
        "metadata": run.metadata,
        "priority": run.priority,
        "failed_step": run.failed_step,
        "error_type": run.error_type,
        "error_message": run.error_message,
        "fingerprint": run.fingerprint,
        "source_id": run.source_id,
        "family_id": run.family_id,
        "generation": run.generation,
        "idempotency_key": run.idempotency_key,
        "parent_id": run.parent_id,
        "parent_step": run.parent_step,
    }


def _row_fields(row: RunRow) -> dict[str, Any]:
    return _summary_fields(row.run, row.version_number, row.input_head, started=row.started)


def run_summary(row: RunRow) -> RunSummary:
    return RunSummary(**_row_fields(row))


def _scene_fields(scene: Scene, run_input: bytes) -> dict[str, Any]:
    # A cut may fall inside a character; what is left of it is dropped.
    head = run_input[: INPUT_HEAD * 4].decode(errors="ignore")[:INPUT_HEAD]
    document = scene.document
    return _summary_fields(document.run, document.version.number, head, started=scene.started)


def scene_summary(scene: Scene, run_input: bytes) -> RunSummary:
    return RunSummary(**_scene_fields(scene, run_input))


def run_detail(
    scene: Scene, run_input: bytes, output: bytes | None, family: Sequence[FamilyMember], children: dict[str, int]
) -> RunDetail:
    """``output``: of a task's only step, if it has one. ``family``: of which the direct replays are shown.
    ``children``: how many runs its steps have started, by status."""
    document = scene.document
    run, definition = document.run, document.version.definition
    begun = [attempt.started_at for attempt in document.ended if attempt.started_at is not None]
    begun += [step.since_at for step in document.open if step.token is not None]
    return RunDetail(
        **_scene_fields(scene, run_input),
        started_at=min(begun, default=None),
        is_task=definition.is_task,
        input=Raw(run_input),
        output=UNSET if output is None else Raw(output),
        waiting=why_run_waits(scene),
        failure=error_details(_failure(scene)),
        graph=graph_of(definition),
        steps=[step_summary(scene, step) for step in definition.steps],
        replay=None if document.replay is None else replay_info(document.replay),
        replays=[
            ReplayLink(
                id=row.run.id,
                status=shown_status(row.run.status, started=row.started),
                author=replay.author,
                reason=replay.reason,
                created_at=row.run.created_at,
            )
            for row, replay in family
            if replay is not None and replay.source_id == run.id
        ],
        children={status: count for status, count in children.items() if count > 0},
    )


def _failure(scene: Scene) -> RecordedError | None:
    """The error that the run is named after: the last one of the step that failed first."""
    errors = [attempt.error for attempt in scene.attempts.get(scene.document.run.failed_step or "", ())]
    return next((error for error in reversed(errors) if error is not None), None)


def graph_of(definition: WorkflowDefinition) -> Graph:
    edges = []
    for step in definition.steps:
        read = {parent_of(argument.origin) for argument in step.arguments}
        edges += [GraphEdge(source=parent, target=step.name, data=parent in read) for parent in step.parents]
    nodes = [GraphNode(name=step.name, kind=step.kind.value, effect=step.effect) for step in definition.steps]
    return Graph(nodes=nodes, edges=edges)


def replay_info(replay: Replay) -> ReplayInfo:
    edits = {step: shown_patch(patch) for step, patch in replay.new_edits.items()}
    if replay.input_edit:
        edits["input"] = shown_patch(replay.input_edit)
    return ReplayInfo(
        source_id=replay.source_id,
        author=replay.author,
        reason=replay.reason,
        created_at=replay.created_at,
        start_steps=list(replay.start_steps),
        from_beginning=replay.from_beginning,
        code=replay.code,
        kept={step: KeptFrom(run_id=ref[0], attempt=ref[2]) for step, ref in replay.kept.items()},
        edits=edits,
        overrides=shown_overrides(replay.new_overrides),
    )


def lineage(family_id: str, family: Sequence[FamilyMember]) -> Lineage:
    """``family``: oldest first."""
    runs = [LineageRun(**_row_fields(row), replay=_lineage_replay(replay)) for row, replay in family]
    return Lineage(family_id=family_id, runs=runs)


def _lineage_replay(replay: Replay | None) -> LineageReplay | None:
    if replay is None:
        return None
    return LineageReplay(
        author=replay.author,
        reason=replay.reason,
        start_steps=list(replay.start_steps),
        edits_count=len(replay.input_edit) + sum(len(patch) for patch in replay.new_edits.values()),
        overrides_count=sum(len(values) for values in replay.new_overrides.values()),
    )
