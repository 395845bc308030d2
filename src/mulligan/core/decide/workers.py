"""How workers and their definitions come, live and go."""

from __future__ import annotations

from datetime import datetime

import msgspec

from mulligan.core.commands import (
    BeatWorker,
    ConnectWorker,
    DisconnectWorker,
    DrainWorker,
    ForgetWorker,
    RegisterWorkflows,
)
from mulligan.core.decide.attempts import lose, release
from mulligan.core.decide.policy import Policy
from mulligan.core.facts import Facts
from mulligan.core.records import OpenState, OpenStep, Version, Worker, WorkerState, WorkflowDefinition
from mulligan.errors import Conflict, Unavailable


def register_workflows(command: RegisterWorkflows, facts: Facts, now: datetime, policy: Policy) -> list[Version]:
    """Make definitions known. One that is known already, by its content, keeps its number."""
    return [register(facts, command.namespace, definition, now) for definition in command.definitions]


def register(facts: Facts, namespace: str, definition: WorkflowDefinition, now: datetime) -> Version:
    known = facts.versions.get((namespace, definition.name, definition.digest))
    if known is not None:
        return known
    latest = facts.latest.get((namespace, definition.name))
    version = Version(
        namespace=namespace,
        workflow=definition.name,
        digest=definition.digest,
        number=1 if latest is None else latest.number + 1,
        registered_at=now,
        definition=definition,
    )
    facts.add_version(version)
    for step in definition.steps:
        facts.see_variables(namespace, definition.name, step.name, step.variables, now)
    return version


def connect_worker(command: ConnectWorker, facts: Facts, now: datetime, policy: Policy) -> Worker:
    """A worker is there (again). What it was leased but does not know of was lost on the way: it is released. What it
    had begun and given up may have done its work: that is a loss, and not the same as never having begun.

    Raises Unavailable for a hello that was overtaken by one of a later connection, as a slow network has them."""
    known = facts.workers.get(command.worker_id)
    if known is not None and known.namespace != command.namespace:
        raise Conflict("This worker id belongs to another namespace. Start the worker anew; it makes a fresh id.")
    if known is not None and command.connection < known.connection:
        raise Unavailable("A newer connection of this worker has taken its seat.")
    worker = Worker(
        id=command.worker_id,
        namespace=command.namespace,
        name=command.name,
        host=command.host,
        pid=command.pid,
        sdk=command.sdk,
        slots=command.slots,
        started_at=now if known is None else known.started_at,
        seen_at=now,
        lease_until_at=now + policy.worker_ttl,
        labels=command.labels,
        workflows=command.workflows,
        session=command.session,
        connection=command.connection,
    )
    facts.save_worker(worker)
    held = {(ref.run_id, ref.step, ref.token) for ref in command.running}
    begun = {(ref.run_id, ref.step, ref.token) for ref in command.lost}
    for step in leases_in(facts, worker.id):
        lease = (step.run_id, step.step, step.token)
        if lease in begun:
            lose(facts, step, now, policy)
        elif lease not in held:
            release(facts, step, now)
    return worker


def leases_in(facts: Facts, worker_id: str) -> list[OpenStep]:
    """What the worker holds of the runs that were loaded."""
    steps = [step for _, run in sorted(facts.runs.items()) for step in run.open.values()]
    return [step for step in steps if step.state is OpenState.LEASED and step.worker_id == worker_id]


def beat_worker(command: BeatWorker, facts: Facts, now: datetime, policy: Policy) -> bool:
    worker = facts.workers.get(command.worker_id)
    if worker is None or worker.state is WorkerState.GONE:
        return False
    facts.save_worker(
        msgspec.structs.replace(
            worker,
            seen_at=now,
            lease_until_at=now + policy.worker_ttl,
            lag_ms=command.lag_ms,
            running=command.running,
        )
    )
    return True


def drain_worker(command: DrainWorker, facts: Facts, now: datetime, policy: Policy) -> bool:
    worker = facts.workers.get(command.worker_id)
    if worker is None or worker.state is WorkerState.GONE:
        return False
    facts.save_worker(msgspec.structs.replace(worker, state=WorkerState.DRAINING, seen_at=now))
    return True


def disconnect_worker(command: DisconnectWorker, facts: Facts, now: datetime, policy: Policy) -> bool:
    """A goodbye ends the worker; a torn connection leaves it a short grace to come back with its leases."""
    worker = facts.workers.get(command.worker_id)
    if worker is None or worker.state is WorkerState.GONE or command.session not in {"", worker.session}:
        return False
    until = now if command.clean else min(worker.lease_until_at, now + policy.reconnect_grace)
    facts.save_worker(msgspec.structs.replace(worker, lease_until_at=until, seen_at=now))
    return True


def forget_worker(command: ForgetWorker, facts: Facts, now: datetime, policy: Policy) -> bool:
    """The lease has run out and the leased steps were dealt with before this command: if one is left, it is not gone.
    Whoever is gone is never looked at again, and neither would be what it holds."""
    worker = facts.workers.get(command.worker_id)
    if worker is None or worker.state is WorkerState.GONE or worker.lease_until_at > now:
        return False
    if leases_in(facts, worker.id):
        return False
    facts.save_worker(msgspec.structs.replace(worker, state=WorkerState.GONE, running=0))
    return True
