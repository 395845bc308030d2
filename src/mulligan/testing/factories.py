"""Records that fill in what a test does not say. The ids count up, so that a failing test reads the same each time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from mulligan.core.facts import Changes
from mulligan.core.records import (
    Attempt,
    LogLine,
    OpenState,
    OpenStep,
    Outcome,
    Run,
    RunEvent,
    StepDefinition,
    Variable,
    Version,
    Worker,
    WorkflowDefinition,
)

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
"""Noon of an ordinary day: the instant that every record here was made, if nothing else is said."""

_ids = count(1)


def new_id() -> str:
    """26 characters that sort in the order they were asked for, like real ids."""
    return f"{next(_ids):026d}"


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def make_definition(name: str = "greet", *steps: str, **given: Any) -> WorkflowDefinition:
    """A workflow of the named steps (default: one called ``say``), each after the one before it."""
    names = steps or ("say",)
    chain = [
        StepDefinition(name=step, parents=() if index == 0 else (names[index - 1],)) for index, step in enumerate(names)
    ]
    return WorkflowDefinition(**{"name": name, "steps": tuple(chain), "is_task": len(names) == 1, **given})


def make_version(**given: Any) -> Version:
    workflow = given.get("workflow", "greet")
    defaults: dict[str, Any] = {
        "namespace": "default",
        "workflow": workflow,
        "digest": f"{workflow}-1",
        "number": 1,
        "registered_at": START,
        "definition": make_definition(workflow),
    }
    return Version(**{**defaults, **given})


def make_run(**given: Any) -> Run:
    id_ = given.get("id") or new_id()
    workflow = given.get("workflow", "greet")
    defaults: dict[str, Any] = {
        "id": id_,
        "namespace": "default",
        "workflow": workflow,
        "version": f"{workflow}-1",
        "created_at": START,
        "family_id": id_,
        "key_scope": given.get("family_id", id_),
    }
    return Run(**{**defaults, **given})


def make_open_step(run: Run, **given: Any) -> OpenStep:
    defaults: dict[str, Any] = {
        "run_id": run.id,
        "step": "say",
        "namespace": run.namespace,
        "workflow": run.workflow,
        "route": f"{run.workflow}/say",
        "state": OpenState.READY,
        "queued_at": run.created_at,
        "since_at": run.created_at,
        "priority": run.priority,
    }
    return OpenStep(**{**defaults, **given})


def make_attempt(run: Run, **given: Any) -> Attempt:
    defaults: dict[str, Any] = {
        "run_id": run.id,
        "step": "say",
        "number": 1,
        "namespace": run.namespace,
        "outcome": Outcome.SUCCEEDED,
        "queued_at": run.created_at,
        "started_at": run.created_at,
        "finished_at": run.created_at + timedelta(seconds=1),
        "version": run.version,
    }
    return Attempt(**{**defaults, **given})


def make_event(run: Run, **given: Any) -> RunEvent:
    defaults = {"run_id": run.id, "namespace": run.namespace, "at": run.created_at, "kind": "cancelled"}
    return RunEvent(**{**defaults, **given})


def make_log_line(run: Run, message: str, **given: Any) -> LogLine:
    defaults: dict[str, Any] = {
        "run_id": run.id,
        "step": "say",
        "attempt": 1,
        "namespace": run.namespace,
        "at": run.created_at,
        "level": 20,
        "logger": "app",
        "message": message,
    }
    return LogLine(**{**defaults, **given})


def make_worker(**given: Any) -> Worker:
    defaults: dict[str, Any] = {
        "id": given.get("id") or new_id(),
        "namespace": "default",
        "name": "worker",
        "host": "localhost",
        "pid": 1,
        "sdk": "mulligan/0",
        "slots": 10,
        "started_at": START,
        "seen_at": START,
        "lease_until_at": after(15),
    }
    return Worker(**{**defaults, **given})


def make_variable(name: str, **given: Any) -> Variable:
    defaults: dict[str, Any] = {
        "namespace": "default",
        "workflow": "greet",
        "step": "say",
        "name": name,
        "default": '"hello"',
        "schema": "{}",
        "file": "app.py",
        "line": 1,
        "seen_at": START,
    }
    return Variable(**{**defaults, **given})


def changes(
    *runs: Run | tuple[Run, bytes],
    opened: tuple[OpenStep, ...] = (),
    changed: tuple[OpenStep, ...] = (),
    closed: tuple[OpenStep, ...] = (),
    **lists: Any,
) -> Changes:
    """Changes in fewer words: runs (with the input ``null`` unless one is paired with it) and lists of records."""
    paired = [run if isinstance(run, tuple) else (run, b"null") for run in runs]
    return Changes(
        runs_added={run.id: (run, payload) for run, payload in paired},
        opened={(step.run_id, step.step): step for step in opened},
        changed={(step.run_id, step.step): step for step in changed},
        closed={(step.run_id, step.step) for step in closed},
        **lists,
    )
