"""Bulk replays: many runs replayed with the same edits, as one durable object with brakes.

The selection is frozen as a list of run ids when the bulk replay is made. It goes on in *stages*: after each stage all
replays begun so far must have ended, and not too many failed, before the next stage begins. ``advance`` is the whole
rule; an agent of the engine asks it and does what it says.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from mulligan.core.records import Record

LANE_PRIORITY = -10
"""Replays made in bulk wait behind live work."""

HALTED = "bulk_halted"
"""The code with which one of its replays is refused when a bulk replay does not go on (any more)."""

LARGEST = 100_000
"""Items of one bulk replay."""

SLOWEST = 0.0001
"""Replays per second, one in three hours: the span between two of them must be one that can be waited for."""

FASTEST = 10_000
"""Replays per second."""


class BulkState(StrEnum):
    """RUNNING goes on by itself; PAUSED and STOPPED (by its own brake) can be resumed; the others are final."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    ABORTED = "aborted"
    FINISHED = "finished"


class ItemState(StrEnum):
    """What became of one source run: its replay was made, refused (with the problem), or not reached yet."""

    WAITING = "waiting"
    STARTED = "started"
    REFUSED = "refused"


class Bulk(Record, frozen=True):
    """A bulk replay. ``request`` is the JSON of the one ``ReplayRequest`` for all, ``query`` what selected the runs.

    ``stages``: how many items may have been begun before a pause for judgement, ascending; the last is all of them.
    ``rate``: replays per second at most (None: no limit). ``stop_after``: stop once so many of them have failed.
    ``stop_on_new``: stop when one fails in a way (fingerprint) that no source run had failed in.
    """

    id: str
    namespace: str
    created_at: datetime
    author: str
    reason: str
    query: str
    request: str
    matched: int
    total: int
    stages: tuple[int, ...]
    rate: float | None = None
    stop_after: int | None = None
    stop_on_new: bool = False
    state: BulkState = BulkState.RUNNING
    state_reason: str = ""
    state_at: datetime | None = None
    state_by: str = ""
    begun_at: datetime | None = None
    """When the last item was begun; the rate counts from here."""
    forgiven: int = 0
    """Failures that there were when a person resumed it: they do not count again."""
    forgiven_fingerprints: tuple[str, ...] = ()


class BulkItem(Record, frozen=True):
    """One source run of a bulk replay and what became of it. ``position`` counts from 0."""

    bulk_id: str
    namespace: str
    position: int
    source_id: str
    state: ItemState = ItemState.WAITING
    run_id: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a bulk replay is. ``begun`` = started + refused; ``failed`` counts refused items and failed replays.

    ``new_fingerprints``: fingerprints of failed replays that none of the source runs had.
    """

    waiting: int
    started: int
    refused: int
    running: int
    succeeded: int
    failed: int
    new_fingerprints: tuple[str, ...] = ()

    @property
    def begun(self) -> int:
        return self.started + self.refused


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do now: begin ``begin`` more items, or go to ``state`` for ``reason``; then come back at ``again_at``."""

    begin: int = 0
    state: BulkState | None = None
    reason: str = ""
    again_at: datetime | None = None


CHECK_EVERY = timedelta(milliseconds=500)
MOST_AT_ONCE = 50


def stages_for(total: int, canary: tuple[int | float, ...]) -> tuple[int, ...]:
    """Counts from a canary: whole numbers are counts, fractions below 1 are parts of the total; all come last.

    ``stages_for(200, (1, 0.1))`` is ``(1, 20, 200)``. A part means the decimal number that was written: 0.29 of 100 is
    29, though the float next to 0.29 is less.
    """
    counts = {int(Decimal(repr(part)) * total) if part < 1 else int(part) for part in canary}
    return tuple(sorted({min(total, max(1, count)) for count in counts} | {total}))


def advance(bulk: Bulk, progress: Progress, now: datetime) -> Advice:
    """The next thing to do for a bulk replay that is RUNNING."""
    if progress.waiting == 0:
        # there is nothing left that a brake could hold back
        if progress.running:
            return Advice(again_at=now + CHECK_EVERY)
        return Advice(state=BulkState.FINISHED, reason="every replay has ended")
    brake = brake_for(bulk, progress)
    at_stage = progress.begun in bulk.stages
    if at_stage and progress.running and not brake:
        return Advice(again_at=now + CHECK_EVERY)
    if at_stage:
        brake = brake or canary_brake(bulk, progress)
    if brake:
        return Advice(state=BulkState.STOPPED, reason=brake)
    limit = next((stage for stage in bulk.stages if stage > progress.begun), bulk.total)
    wanted = min(limit - progress.begun, at_risk(bulk, progress) - progress.running)
    return paced(bulk, wanted, now) if wanted > 0 else Advice(again_at=now + CHECK_EVERY)


def at_risk(bulk: Bulk, progress: Progress) -> int:
    """How many replays may be under way at once: they could all fail. With a limit of failures, as many as are left of
    it, and the more the more have succeeded."""
    if bulk.stop_after is None:
        return MOST_AT_ONCE + progress.running
    return bulk.stop_after - (progress.failed - bulk.forgiven) + progress.succeeded // 2


def paced(bulk: Bulk, wanted: int, now: datetime) -> Advice:
    """As many as the rate allows at this moment."""
    if bulk.rate is None:
        return Advice(begin=min(wanted, MOST_AT_ONCE), again_at=now)
    between = timedelta(seconds=1 / bulk.rate)
    if bulk.begun_at is None:
        return Advice(begin=1, again_at=now + between)
    allowed = int((now - bulk.begun_at) / between)
    if allowed < 1:
        return Advice(again_at=bulk.begun_at + between)
    burst = max(1, int(bulk.rate * CHECK_EVERY.total_seconds()))
    return Advice(begin=min(wanted, allowed, burst), again_at=now + between)


def brake_for(bulk: Bulk, progress: Progress) -> str:
    """Why the bulk replay must stop by itself, or nothing."""
    failed = progress.failed - bulk.forgiven
    if bulk.stop_after is not None and failed >= bulk.stop_after:
        return f"{failed} replays failed; it was to stop after {bulk.stop_after}"
    new = [found for found in progress.new_fingerprints if found not in bulk.forgiven_fingerprints]
    return f"a replay failed in a new way ({new[0]})" if bulk.stop_on_new and new else ""


def canary_brake(bulk: Bulk, progress: Progress) -> str:
    """Why the replays behind a stage that has ended must wait for a person, or nothing: something in it failed.

    Who has said how many failures are too many (``stop_after``) gets that many, but not from a stage of failures only.
    """
    failed = progress.failed - bulk.forgiven
    if failed <= 0 or (bulk.stop_after is not None and progress.succeeded > 0):
        return ""
    return f"{failed} of the first {progress.begun} failed"


Control = Literal["pause", "resume", "abort"]

CONTROLS: dict[tuple[BulkState, Control], BulkState] = {
    (BulkState.RUNNING, "pause"): BulkState.PAUSED,
    (BulkState.PAUSED, "resume"): BulkState.RUNNING,
    (BulkState.STOPPED, "resume"): BulkState.RUNNING,
    (BulkState.RUNNING, "abort"): BulkState.ABORTED,
    (BulkState.PAUSED, "abort"): BulkState.ABORTED,
    (BulkState.STOPPED, "abort"): BulkState.ABORTED,
}
"""What a person may do to a bulk replay, by its state."""

CONTROLLED: dict[Control, str] = {"pause": "paused", "resume": "resumed", "abort": "aborted"}
