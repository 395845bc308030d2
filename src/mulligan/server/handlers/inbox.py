"""The failure inbox: groups of failed runs, and what people say about them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from mulligan.core.commands import NoteGroup
from mulligan.core.fingerprint import normalise
from mulligan.core.inbox import FailureGroup, GroupNote, GroupStatus, status_of
from mulligan.core.query import RunFilter
from mulligan.core.records import Attempt
from mulligan.engine.api import RunDocument, RunRow
from mulligan.errors import InvalidInput, NotFound, Problem
from mulligan.server.reading.bars import Scale, scale_since
from mulligan.server.reading.errors import error_details
from mulligan.server.reading.inbox import differences, facts_about, group_shape
from mulligan.server.reading.runs import run_summary
from mulligan.server.site import Call
from mulligan.wire.rest.codec import Question
from mulligan.wire.rest.inbox import Group, GroupCounts, GroupDetail, Inbox, NoteRequest
from mulligan.wire.rest.runs import Bar

BARS = 24
MOST_GROUPS = 500
MOST_LOOKED_AT = 200
MOST_DOCUMENTS = 40
"""Runs of a group whose attempts are read, to see which workers they failed on."""
MOST_BYTES_READ = 8 * 1024 * 1024
AT_ONCE = 8
LONGEST_READ = 64 * 1024

_FINGERPRINT = re.compile(r"[0-9a-f]{16}")


class InboxQuery(Question, frozen=True, kw_only=True):
    """``since``: groups of runs created since then; ``activity`` covers the same span."""

    status: Literal["open", "snoozed", "resolved", "all"] = "open"
    since: Annotated[str, Meta(max_length=50)] = "24h"


class GroupQuery(Question, frozen=True, kw_only=True):
    """``since``: what ``activity`` covers."""

    since: Annotated[str, Meta(max_length=50)] = "24h"


async def show_inbox(call: Call, query: InboxQuery) -> Inbox:
    """Failure groups by impact, and how many there are of each status."""
    now = call.engine.clock.now()
    scale = scale_since(query.since, BARS, now)
    groups = await call.engine.store.failure_groups(call.namespace, scale.first_at, None, MOST_GROUPS)
    statuses = [status_of(group, now) for group in groups]
    counts = GroupCounts(**{status.value: statuses.count(status) for status in GroupStatus})
    wanted = [group for group, status in zip(groups, statuses, strict=True) if query.status in ("all", status)]
    activity = await _activity(call, wanted, scale)
    numbers = await _version_numbers(call, wanted)
    items = [group_shape(group, numbers, activity[group.fingerprint], now) for group in wanted]
    return Inbox(items=items, counts=counts)


async def show_group(call: Call, fingerprint: str, query: GroupQuery) -> GroupDetail:
    """One failure group: its error, what its runs have in common, and the newest of them."""
    group = await _load(call, fingerprint)
    now = call.engine.clock.now()
    activity = await _activity(call, [group], scale_since(query.since, BARS, now))
    numbers = await _version_numbers(call, [group])
    wanted = RunFilter(fingerprints=(fingerprint,))
    rows = await call.engine.store.find_runs(call.namespace, wanted, None, MOST_LOOKED_AT)
    newest = await call.engine.store.run(call.namespace, rows[0].run.id) if rows else None
    failed = None if newest is None else _failed_attempt(newest)
    error = None if failed is None else failed.error
    return GroupDetail(
        **msgspec.structs.asdict(group_shape(group, numbers, activity[fingerprint], now)),
        normalised=f"{group.error_type}: {normalise(error.message if error is not None else group.error_message)}",
        error=error_details(error),
        differs_by=differences(await _facts(call, rows)),
        looked_at=len(rows),
        runs=[run_summary(row) for row in rows if row.run.id in group.samples],
    )


async def note_group(call: Call, fingerprint: str, body: NoteRequest) -> Group:
    """Resolve, snooze or open a failure group. It opens again by itself when it recurs, or when its snooze ends."""
    group = await _load(call, fingerprint)
    now = call.engine.clock.now()
    until_at = body.until_at if body.for_s is None else now + timedelta(seconds=body.for_s)
    if until_at is not None and until_at.tzinfo is None:
        raise _refused("/until_at", "say which time zone, for example with a Z at the end")
    if body.status == "snoozed" and until_at is None and body.until_more is None and not body.until_version:
        raise _refused("", "a snooze needs an end: until_at, for_s, until_more or until_version")
    note = GroupNote(
        namespace=call.namespace,
        fingerprint=fingerprint,
        status=GroupStatus(body.status),
        at=now,
        actor=call.caller.actor,
        note=body.note,
        until_at=until_at,
        until_more=body.until_more,
        until_version=body.until_version,
        versions=group.versions,
    )
    await call.engine.submit(NoteGroup(note=note))
    noted = await _load(call, fingerprint)
    activity = await _activity(call, [noted], scale_since("24h", BARS, now))
    return group_shape(noted, await _version_numbers(call, [noted]), activity[fingerprint], now)


def _refused(path: str, rule: str) -> InvalidInput:
    return InvalidInput(f"The note does not fit: {rule}.", problems=(Problem(path, rule, "the request body"),))


async def _load(call: Call, fingerprint: str) -> FailureGroup:
    if _FINGERPRINT.fullmatch(fingerprint) is not None:
        for group in await call.engine.store.failure_groups(call.namespace, None, fingerprint, 1):
            return group
    raise NotFound(f"There is no failure group {fingerprint!r}. The inbox lists all that there are.")


async def _activity(call: Call, groups: Iterable[FailureGroup], scale: Scale) -> dict[str, list[Bar]]:
    fingerprints = [group.fingerprint for group in groups]
    found = {}
    if fingerprints:
        store = call.engine.store
        found = await store.group_activity(call.namespace, fingerprints, scale.first_at, scale.width_s)
    return {
        fingerprint: scale.bars({bucket.at: bucket.counts for bucket in found.get(fingerprint, ())})
        for fingerprint in fingerprints
    }


async def _version_numbers(call: Call, groups: Iterable[FailureGroup]) -> dict[tuple[str, str], int]:
    return {
        (version.workflow, version.digest): version.number
        for workflow in sorted({group.workflow for group in groups})
        for version in await call.engine.store.versions(call.namespace, workflow)
    }


# ── What runs have in common ─────────────────────────────────────────────────────────────────────────────────────────


async def _facts(call: Call, rows: list[RunRow]) -> list[dict[str, str]]:
    inputs = await _inputs(call, [row.run.id for row in rows])
    workers = await _workers(call, [row.run.id for row in rows[:MOST_DOCUMENTS]])
    return [facts_about(row.run, row.version_number, inputs.get(row.run.id), workers.get(row.run.id)) for row in rows]


async def _inputs(call: Call, run_ids: list[str]) -> dict[str, bytes]:
    """Inputs that are small enough to compare, of the newest runs, until enough has been read."""
    found: dict[str, bytes] = {}
    left = MOST_BYTES_READ
    for place in range(0, len(run_ids), AT_ONCE):
        produced = await call.engine.payloads.fetch(run_ids[place : place + AT_ONCE], [])
        left -= sum(len(text) for text in produced.inputs.values())
        found |= {run_id: text for run_id, text in produced.inputs.items() if len(text) <= LONGEST_READ}
        if left <= 0:
            break
    return found


async def _workers(call: Call, run_ids: list[str]) -> dict[str, str]:
    """The name of the worker that each run failed on, as far as it is still known."""
    names = {worker.id: worker.name for worker in await call.engine.store.workers(call.namespace)}
    found: dict[str, str] = {}
    for run_id in run_ids:
        document = await call.engine.store.run(call.namespace, run_id)
        failed = None if document is None else _failed_attempt(document)
        if failed is not None and failed.worker_id is not None:
            found[run_id] = names.get(failed.worker_id, failed.worker_id)
    return found


def _failed_attempt(document: RunDocument) -> Attempt | None:
    """The attempt that the run failed with."""
    attempts = [attempt for attempt in document.ended if attempt.step == document.run.failed_step]
    return next((attempt for attempt in reversed(attempts) if attempt.error is not None), None)
