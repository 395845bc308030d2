"""Workflows and workers as shapes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mulligan.core.records import StepDefinition, Variable, Version, Worker
from mulligan.server.reading.payloads import shown
from mulligan.server.reading.runs import graph_of
from mulligan.server.reading.spans import seconds
from mulligan.server.reading.steps import argument_origins, retry_policy
from mulligan.wire.rest.workflows import (
    StepShape,
    VariableSeen,
    VersionRef,
    WorkerDetail,
    WorkerWorkflow,
    WorkflowDetail,
    WorkflowSummary,
)


def workflow_summary(latest: Version, counts: dict[str, int], workers: int) -> WorkflowSummary:
    definition = latest.definition
    return WorkflowSummary(
        name=definition.name,
        doc=definition.doc,
        is_task=definition.is_task,
        version=latest.number,
        digest=latest.digest,
        registered_at=latest.registered_at,
        # Numbers are given out from 1 on, and a version is never removed.
        versions=latest.number,
        steps=len(definition.steps),
        counts=counts,
        workers=workers,
    )


def workflow_detail(version: Version, versions: Iterable[Version], variables: Iterable[Variable]) -> WorkflowDetail:
    definition = version.definition
    return WorkflowDetail(
        name=definition.name,
        doc=definition.doc,
        is_task=definition.is_task,
        number=version.number,
        digest=version.digest,
        label=definition.label,
        registered_at=version.registered_at,
        input_schema=shown(definition.input_schema),
        graph=graph_of(definition),
        steps=[_step_shape(step) for step in definition.steps],
        versions=[
            VersionRef(
                number=other.number,
                digest=other.digest,
                label=other.definition.label,
                registered_at=other.registered_at,
            )
            for other in versions
        ],
        variables=[_variable_seen(variable) for variable in variables],
    )


def _step_shape(step: StepDefinition) -> StepShape:
    return StepShape(
        name=step.name,
        kind=step.kind.value,
        parents=list(step.parents),
        arguments=argument_origins(step),
        input_schema=shown(step.input_schema),
        output_schema=shown(step.output_schema),
        retry=retry_policy(step.retry),
        timeout_s=seconds(step.start_to_close),
        queue_timeout_s=seconds(step.schedule_to_start),
        sleep_s=seconds(step.sleep),
        effect=step.effect,
        at_most_once=step.at_most_once,
        file=step.file,
        line=step.line,
        doc=step.doc,
    )


def _variable_seen(variable: Variable) -> VariableSeen:
    return VariableSeen(
        step=variable.step,
        name=variable.name,
        default=shown(variable.default),
        schema=shown(variable.schema),
        file=variable.file,
        line=variable.line,
        seen_at=variable.seen_at,
    )


def worker_detail(worker: Worker, numbers: Mapping[tuple[str, str], int]) -> WorkerDetail:
    """``numbers``: (workflow, digest) -> version number."""
    return WorkerDetail(
        id=worker.id,
        name=worker.name,
        host=worker.host,
        pid=worker.pid,
        sdk=worker.sdk,
        state=worker.state.value,
        slots=worker.slots,
        running=worker.running,
        lag_ms=worker.lag_ms,
        started_at=worker.started_at,
        seen_at=worker.seen_at,
        workflows=[
            WorkerWorkflow(name=name, number=numbers.get((name, digest)), digest=digest)
            for name, digest in sorted(worker.workflows.items())
        ],
        labels=worker.labels,
    )
