"""How a run comes to be: started from outside, or made by a replay."""

from __future__ import annotations

import hashlib
from datetime import datetime

import msgspec

from mulligan.core.bulk import HALTED, BulkState
from mulligan.core.commands import ReplayRun, Started, StartRun
from mulligan.core.decide.advance import open_all
from mulligan.core.decide.policy import Policy
from mulligan.core.facts import Facts, RunFacts
from mulligan.core.inputs import check_steps
from mulligan.core.lifecycle import is_terminal
from mulligan.core.records import EVERY_STEP, DocumentKind, IdempotencyKey, Overrides, Run, RunEvent, Version
from mulligan.errors import Conflict, NotFound


def start_run(command: StartRun, facts: Facts, now: datetime, policy: Policy) -> Started:
    """Make a run, unless the same request has already made one."""
    content = ""
    if command.idempotency_key is not None:
        content = content_of(command)
        key = scoped_key(command.workflow, command.idempotency_key)
        if (earlier := answered_before(facts, command.namespace, key, content)) is not None:
            return earlier
    if command.only_if_made:
        raise NotFound("No run has been made under this idempotency key.")
    known = facts.runs.get(command.run_id)
    if known is not None:
        if command.repeated and is_made_by(command, known.run):
            return Started(run_id=command.run_id, existing=True)
        raise Conflict(
            f"There is a run {command.run_id!r} already. Make a new id for every run, or mark the request as repeated.",
            code="already_exists",
        )
    check_parent(command, facts)
    version = version_for(command, facts)
    check_steps(command.overrides, version.definition)
    run = Run(
        id=command.run_id,
        namespace=command.namespace,
        workflow=command.workflow,
        version=version.digest,
        created_at=now,
        family_id=command.run_id,
        key_scope=command.key_scope or command.run_id,
        pinned=command.version is not None,
        priority=version.definition.priority if command.priority is None else command.priority,
        available_at=now + command.delay if command.delay else None,
        metadata=command.metadata,
        idempotency_key=command.idempotency_key,
        overrides=with_pins(facts, command),
        parent_id=command.parent_id,
        parent_step=command.parent_step,
    )
    add_run(facts, RunFacts(run, version, None, {}, {}), command.input, content, now, policy)
    return Started(run_id=run.id)


def is_made_by(command: StartRun, run: Run) -> bool:
    """Whether ``run`` can be what this start has made. Its input is not looked at: its maker made up its id."""
    asked = (command.namespace, command.workflow, command.idempotency_key, command.parent_id, command.parent_step)
    return asked == (run.namespace, run.workflow, run.idempotency_key, run.parent_id, run.parent_step)


def check_parent(command: StartRun, facts: Facts) -> None:
    """Raises Conflict for a child of a run that is over, whose code may still be running somewhere.

    Of another namespace's run nothing is said: here it is as one that there is not.
    """
    parent = None if command.parent_id is None else facts.runs.get(command.parent_id)
    if parent is not None and parent.run.namespace == command.namespace and is_terminal(parent.run.status):
        raise Conflict(
            f"Run {parent.run.id} is over ({parent.run.status}), and starts no more runs. Await what a step starts "
            "before the step returns; to start something independent, do it outside of the step.",
            code="parent_over",
        )


def add_run(facts: Facts, made: RunFacts, run_input: bytes, content: str, now: datetime, policy: Policy) -> None:
    facts.add_run(made, run_input)
    run = made.run
    if run.idempotency_key is not None:
        key = scoped_key(run.workflow, run.idempotency_key)
        facts.add_key(IdempotencyKey(namespace=run.namespace, key=key, run_id=run.id, content=content, created_at=now))
    open_all(facts, made, now, policy)


def with_pins(facts: Facts, command: StartRun) -> Overrides:
    """What is pinned for every new run of the workflow, with what this start gives on top.

    A value given for every step (``*``) also stands above one that is pinned for a particular step.
    """
    pin = facts.documents.get((command.namespace, DocumentKind.PIN, command.workflow))
    if pin is None:
        return command.overrides
    pinned = msgspec.json.decode(pin.value, type=Overrides)
    given = command.overrides
    everywhere = given.get(EVERY_STEP, {})
    left = {
        step: {name: value for name, value in values.items() if name not in everywhere}
        for step, values in pinned.items()
    }
    in_force = {step: {**left.get(step, {}), **given.get(step, {})} for step in {**left, **given}}
    return {step: values for step, values in in_force.items() if values}


def scoped_key(workflow: str, key: str) -> str:
    """Keys are unique per workflow: two workflows may be started for the same order."""
    return f"{workflow}/{key}"


def content_of(command: StartRun) -> str:
    """What makes two start requests the same request."""
    return hashlib.sha256(command.workflow.encode() + b"\0" + command.input).hexdigest()


def answered_before(facts: Facts, namespace: str, key: str, content: str) -> Started | None:
    """The first answer for this idempotency key. Raises Conflict when the key came with another request."""
    earlier = facts.keys.get((namespace, key))
    if earlier is None:
        return None
    if earlier.content != content:
        raise Conflict(
            f"The idempotency key {key.partition('/')[2]!r} has been used for another request to workflow "
            f"{key.partition('/')[0]}, which made run {earlier.run_id}. Use a new key for a new request.",
            code="idempotency_conflict",
        )
    return Started(run_id=earlier.run_id, existing=True)


def version_for(command: StartRun, facts: Facts) -> Version:
    if command.version is not None:
        version = facts.versions.get((command.namespace, command.workflow, command.version))
        if version is None:
            raise NotFound(
                f"Workflow {command.workflow!r} has no version {command.version!r}. "
                f"List its versions with `mulligan workflows show {command.workflow}`.",
                code="unknown_version",
            )
        return version
    latest = facts.latest.get((command.namespace, command.workflow))
    if command.latest is not None:
        latest = facts.versions.get((command.namespace, command.workflow, command.latest), latest)
    if latest is None:
        raise NotFound(
            f"No worker has registered a workflow named {command.workflow!r} yet. Start a worker that declares it "
            "(`mulligan worker app.py:m`), or check the spelling.",
            code="unknown_workflow",
        )
    return latest


def replay_run(command: ReplayRun, facts: Facts, now: datetime, policy: Policy) -> Started:
    """Make the new run of a replay whose plan was checked against payloads and schemas before.

    What could have changed since then is checked here: the source is terminal (and so can never change again), the
    version that the plan was made for is still the one it names, and the bulk replay that it is part of goes on.
    """
    replay = command.replay
    if command.idempotency_key is not None:
        key = scoped_key(command.workflow, command.idempotency_key)
        earlier = answered_before(facts, replay.namespace, key, command.content)
        if earlier is not None:
            return earlier
    check_bulk(command, facts)
    source = facts.runs.get(replay.source_id)
    if source is None or source.run.namespace != replay.namespace:
        raise NotFound(f"There is no run {replay.source_id!r}. It may have been removed by retention.")
    if not is_terminal(source.run.status):
        raise Conflict(
            f"Run {replay.source_id} is still running. Wait until it has finished, or cancel it first.",
            code="not_finished",
        )
    version = facts.versions[(replay.namespace, source.run.workflow, command.digest)]
    newest = facts.latest[(replay.namespace, source.run.workflow)]
    if replay.code == "latest" and newest.digest != (command.newest or version.digest):
        raise Conflict(
            "A newer version of the workflow was registered since this plan was made. Plan again and look at it.",
            code="plan_outdated",
        )
    run = Run(
        id=replay.run_id,
        namespace=replay.namespace,
        workflow=source.run.workflow,
        version=version.digest,
        created_at=now,
        family_id=source.run.family_id,
        key_scope=replay.run_id if command.fresh_key else source.run.key_scope,
        pinned=command.pinned,
        priority=version.definition.priority if command.priority is None else command.priority,
        metadata=command.metadata,
        idempotency_key=command.idempotency_key,
        overrides=command.overrides,
        bulk_id=command.bulk_id,
        source_id=replay.source_id,
        generation=source.run.generation + 1,
    )
    add_run(facts, RunFacts(run, version, replay, {}, {}), command.input, command.content, now, policy)
    facts.add_event(RunEvent(run_id=run.id, namespace=run.namespace, at=now, kind="replayed_from", actor=replay.author))
    return Started(run_id=run.id)


def check_bulk(command: ReplayRun, facts: Facts) -> None:
    """Raises Conflict when the bulk replay has been paused, stopped or aborted: that holds from its answer on."""
    if command.bulk_id is None:
        return
    bulk = facts.bulks.get(command.bulk_id)
    if bulk is None or bulk.state is not BulkState.RUNNING:
        raise Conflict(f"The bulk replay {command.bulk_id} does not go on, so it begins no more replays.", code=HALTED)
