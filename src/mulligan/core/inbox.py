"""The failure inbox: failed runs grouped by fingerprint, and what people have said about each group.

A group is open until somebody resolves or snoozes it; it opens again by itself when a failure of this kind recurs after
it was resolved, or when what it was snoozed for has come.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from mulligan.core.records import Record


class GroupStatus(StrEnum):
    OPEN = "open"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"


class GroupNote(Record, frozen=True):
    """What a person last said about a group.

    A snooze ends at ``until_at``, or when ``until_more`` further runs have failed, or when a run of another version
    than those of ``versions`` fails; whichever is given.
    """

    namespace: str
    fingerprint: str
    status: GroupStatus
    at: datetime
    actor: str
    note: str = ""
    until_at: datetime | None = None
    until_more: int | None = None
    until_version: bool = False
    versions: tuple[str, ...] = ()


class FailureGroup(Record, frozen=True):
    """Failed runs of one kind. ``first_at`` and ``last_at``: when the first and the last of them failed.

    Workflow, step and error are those of the newest run. ``versions``: version digests seen; ``samples``: ids of the
    newest runs, newest first. ``replayed`` and ``recovered``: how many of the runs were replayed, and how many of those
    by a replay that succeeded. ``more``: how many runs have failed since the note, whenever they were created; counted
    only where a snooze waits for that.
    """

    namespace: str
    fingerprint: str
    workflow: str
    step: str
    error_type: str
    error_message: str
    count: int
    first_at: datetime
    last_at: datetime
    versions: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()
    replayed: int = 0
    recovered: int = 0
    note: GroupNote | None = None
    more: int = 0


def status_of(group: FailureGroup, now: datetime) -> GroupStatus:
    """Open, snoozed or resolved at this moment."""
    note = group.note
    if note is None or note.status is GroupStatus.OPEN:
        return GroupStatus.OPEN
    if note.status is GroupStatus.RESOLVED:
        return GroupStatus.OPEN if group.last_at > note.at else GroupStatus.RESOLVED
    ended = (
        (note.until_at is not None and now >= note.until_at)
        or (note.until_more is not None and group.more >= note.until_more)
        or (note.until_version and bool(set(group.versions) - set(note.versions)))
    )
    return GroupStatus.OPEN if ended else GroupStatus.SNOOZED


def has_recurred(group: FailureGroup) -> bool:
    """True if it had been resolved and failed again since."""
    note = group.note
    return note is not None and note.status is GroupStatus.RESOLVED and group.last_at > note.at
