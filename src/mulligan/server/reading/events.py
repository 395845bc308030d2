"""What happened to a run, told in order: from its attempts, its replay record and the events that neither tells."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from operator import attrgetter

from mulligan.core.records import Attempt, OpenState, Outcome, RunEvent, RunStatus
from mulligan.server.reading.payloads import shown
from mulligan.server.reading.scene import Scene
from mulligan.server.reading.spans import in_words
from mulligan.wire.rest.runs import Event

_ENDED_WORDS: dict[Outcome, str] = {
    Outcome.SUCCEEDED: "succeeded",
    Outcome.FAILED: "failed",
    Outcome.TIMED_OUT: "timed out",
    Outcome.LOST: "was lost with its worker",
    Outcome.CANCELLED: "was cancelled",
}


def events_of(scene: Scene, recorded: Iterable[RunEvent]) -> list[Event]:
    """Oldest first."""
    told = [_created(scene), *_attempts(scene), *_under_way(scene)]
    told += [_recorded(event, scene) for event in recorded if event.kind != "replayed_from"]
    told += _finished(scene)
    return sorted(told, key=attrgetter("at"))


def _created(scene: Scene) -> Event:
    run, replay = scene.document.run, scene.document.replay
    if replay is not None:
        reason = f": {replay.reason}" if replay.reason else ""
        text = f"{replay.author} replayed run {replay.source_id}{reason}"
        return _event(scene.document.run.created_at, "replayed", text, actor=replay.author)
    number = scene.document.version.number
    parent = f" by step {run.parent_step} of run {run.parent_id}" if run.parent_id is not None else ""
    return _event(run.created_at, "created", f"Started {run.workflow}, version {number}{parent}.")


def _attempts(scene: Scene) -> Iterator[Event]:
    for attempt in scene.document.ended:
        worker = scene.worker_name(attempt.worker_id)
        if attempt.started_at is not None and worker is not None:
            text = f"{attempt.step}: attempt {attempt.number} started on {worker}."
            yield _event(attempt.started_at, "attempt_started", text, attempt.step, attempt.number, worker)
        text = f"{attempt.step}: attempt {attempt.number} {_ended(attempt)}"
        yield _event(
            attempt.finished_at, f"attempt_{attempt.outcome.value}", text, attempt.step, attempt.number, worker
        )


def _ended(attempt: Attempt) -> str:
    words = _ENDED_WORDS[attempt.outcome]
    if attempt.started_at is not None:
        words += f" after {in_words(attempt.finished_at - attempt.started_at)}"
    if attempt.error is None:
        return f"{words}."
    message = attempt.error.message.strip().partition("\n")[0]
    return f"{words}: {attempt.error.type}: {message[:200]}"


def _under_way(scene: Scene) -> Iterator[Event]:
    for step in scene.document.open:
        if step.state is OpenState.LEASED:
            worker = scene.worker_name(step.worker_id)
            text = f"{step.step}: attempt {step.attempt} started on {worker}."
            yield _event(step.since_at, "attempt_started", text, step.step, step.attempt, worker)


def _recorded(event: RunEvent, scene: Scene) -> Event:
    return Event(
        at=event.at,
        kind=event.kind,
        step=event.step,
        attempt=event.attempt,
        actor=event.actor,
        detail=shown(event.detail),
        text=_recorded_text(event, scene),
    )


def _recorded_text(event: RunEvent, scene: Scene) -> str:
    match event.kind:
        case "cancelled":
            reason = json.loads(event.detail).get("reason") or ""
            return f"{event.actor} cancelled the run{f': {reason}' if reason else '.'}"
        case "worker_lost":
            worker = scene.worker_name(event.actor)
            return f"{event.step}: worker {worker} was lost during attempt {event.attempt}; it is tried again."
        case _:
            step = f"{event.step}: " if event.step is not None else ""
            by = f" by {event.actor}" if event.actor is not None else ""
            return f"{step}{event.kind.replace('_', ' ')}{by}."


def _finished(scene: Scene) -> Iterator[Event]:
    run = scene.document.run
    if run.finished_at is None or run.status is RunStatus.CANCELLED:
        return
    took = in_words(run.finished_at - run.created_at)
    where = f" at {run.failed_step}" if run.failed_step is not None else ""
    yield _event(run.finished_at, run.status.value, f"The run {run.status.value}{where} after {took}.")


def _event(
    at: datetime, kind: str, text: str, step: str | None = None, attempt: int | None = None, actor: str | None = None
) -> Event:
    return Event(at=at, kind=kind, step=step, attempt=attempt, actor=actor, detail=shown("{}"), text=text)
