"""How bulk replays and failure groups change: made, controlled by people, and moved on by the engine's agent."""

from __future__ import annotations

from datetime import datetime

import msgspec

from mulligan.core.bulk import CONTROLLED, CONTROLS, Bulk, BulkState
from mulligan.core.commands import ControlBulk, CreateBulk, MoveBulk, NoteGroup
from mulligan.core.decide.policy import Policy
from mulligan.core.facts import Facts
from mulligan.core.inbox import GroupNote
from mulligan.errors import Conflict, NotFound


def create_bulk(command: CreateBulk, facts: Facts, now: datetime, policy: Policy) -> Bulk:
    """Freeze a selection. The same id again (a repeated request) makes nothing new."""
    known = facts.bulks.get(command.bulk.id)
    if known is not None:
        return known
    facts.add_bulk(command.bulk)
    facts.save_bulk_items(command.items)
    return command.bulk


def found(facts: Facts, bulk_id: str, namespace: str) -> Bulk:
    bulk = facts.bulks.get(bulk_id)
    if bulk is None or bulk.namespace != namespace:
        raise NotFound(f"There is no bulk replay {bulk_id!r}.")
    return bulk


def control_bulk(command: ControlBulk, facts: Facts, now: datetime, policy: Policy) -> Bulk:
    """Pause, resume or abort. Resuming forgives the failures that there were: a person has looked at them."""
    bulk = found(facts, command.bulk_id, command.namespace)
    state = CONTROLS.get((bulk.state, command.control))
    if state is None:
        done = CONTROLLED[command.control]
        raise Conflict(f"A bulk replay that is {bulk.state} cannot be {done}.", code="wrong_state")
    forgiven, fingerprints = bulk.forgiven, bulk.forgiven_fingerprints
    if command.control == "resume":
        forgiven, fingerprints = command.failed, command.fingerprints
    changed = msgspec.structs.replace(
        bulk,
        state=state,
        state_reason=command.reason,
        state_at=now,
        state_by=command.actor,
        forgiven=forgiven,
        forgiven_fingerprints=fingerprints,
    )
    facts.change_bulk(changed)
    return changed


def move_bulk(command: MoveBulk, facts: Facts, now: datetime, policy: Policy) -> Bulk:
    """What the agent did: items begun, and the state that its rule came to. Changes nothing once it is final."""
    bulk = found(facts, command.bulk_id, command.namespace)
    facts.save_bulk_items(command.items)
    changed = bulk
    if command.items:
        changed = msgspec.structs.replace(changed, begun_at=now)
    if command.state is not None and bulk.state is BulkState.RUNNING:
        changed = msgspec.structs.replace(
            changed, state=command.state, state_reason=command.reason, state_at=now, state_by="mulligan"
        )
    if changed is not bulk:
        facts.change_bulk(changed)
    return changed


def note_group(command: NoteGroup, facts: Facts, now: datetime, policy: Policy) -> GroupNote:
    """Remember what a person said about a failure group."""
    note = msgspec.structs.replace(command.note, at=now)
    facts.save_note(note)
    return note
