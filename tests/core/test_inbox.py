"""A failure group is open until somebody says otherwise, and opens again when that no longer holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mulligan.core.inbox import FailureGroup, GroupNote, GroupStatus, has_recurred, status_of

NOW = datetime(2026, 11, 22, tzinfo=UTC)
HOUR = timedelta(hours=1)


def group(note: GroupNote | None = None, *, more: int = 0, last_at: datetime = NOW) -> FailureGroup:
    return FailureGroup(
        namespace="default",
        fingerprint="f",
        workflow="flow",
        step="call",
        error_type="ConnectionError",
        error_message="down",
        count=10,
        first_at=NOW - HOUR,
        last_at=last_at,
        versions=("v1", "v2"),
        note=note,
        more=more,
    )


def note(status: GroupStatus, **given: object) -> GroupNote:
    return GroupNote(
        namespace="default",
        fingerprint="f",
        status=status,
        at=NOW,
        actor="ada",
        **given,  # type: ignore[arg-type]  # the fields of GroupNote
    )


def test_a_group_nobody_spoke_of_is_open() -> None:
    assert status_of(group(), NOW) is GroupStatus.OPEN


def test_a_resolved_group_opens_again_when_it_recurs() -> None:
    resolved = note(GroupStatus.RESOLVED)
    assert status_of(group(resolved), NOW + HOUR) is GroupStatus.RESOLVED
    recurred = group(resolved, last_at=NOW + HOUR)
    assert status_of(recurred, NOW + HOUR) is GroupStatus.OPEN
    assert has_recurred(recurred)
    assert not has_recurred(group(resolved))


@pytest.mark.parametrize(
    ("snooze", "changed", "moment", "status"),
    [
        ({"until_at": NOW + HOUR}, {}, NOW + HOUR / 2, GroupStatus.SNOOZED),
        ({"until_at": NOW + HOUR}, {}, NOW + HOUR, GroupStatus.OPEN),
        ({"until_more": 5}, {"more": 4}, NOW, GroupStatus.SNOOZED),
        ({"until_more": 5}, {"more": 5}, NOW, GroupStatus.OPEN),
        ({"until_version": True, "versions": ("v1", "v2")}, {}, NOW, GroupStatus.SNOOZED),
        ({"until_version": True, "versions": ("v1",)}, {}, NOW, GroupStatus.OPEN),
    ],
)
def test_a_snooze_ends_when_what_it_waits_for_has_come(
    snooze: dict[str, object], changed: dict[str, Any], moment: datetime, status: GroupStatus
) -> None:
    assert status_of(group(note(GroupStatus.SNOOZED, **snooze), **changed), moment) is status
