"""The failure inbox, grouped from the tables."""

from __future__ import annotations

from datetime import datetime, timedelta

from mulligan.core.inbox import FailureGroup
from mulligan.core.records import Run, RunStatus
from mulligan.ports.store import Bucket
from mulligan.stores.memory.tables import Tables

MOST_SAMPLES = 5


def failures(tables: Tables, namespace: str, since: datetime | None) -> dict[str, list[Run]]:
    """Failed runs by fingerprint, oldest first."""
    groups: dict[str, list[Run]] = {}
    for run in sorted(tables.runs.values(), key=lambda run: run.id):
        if run.namespace != namespace or run.status is not RunStatus.FAILED or run.fingerprint is None:
            continue
        if since is None or run.created_at >= since:
            groups.setdefault(run.fingerprint, []).append(run)
    return groups


def failure_groups(
    tables: Tables, namespace: str, since: datetime | None, fingerprint: str | None, limit: int
) -> list[FailureGroup]:
    replays: dict[str, list[Run]] = {}
    for run in tables.runs.values():
        if run.source_id is not None:
            replays.setdefault(run.source_id, []).append(run)
    groups = [
        group_of(tables, mark, runs, replays)
        for mark, runs in failures(tables, namespace, since).items()
        if fingerprint in {None, mark}
    ]
    groups.sort(key=lambda group: group.fingerprint)
    groups.sort(key=lambda group: (group.count, group.last_at), reverse=True)
    return groups[:limit]


def group_of(tables: Tables, mark: str, runs: list[Run], replays: dict[str, list[Run]]) -> FailureGroup:
    newest = runs[-1]
    ends = [run.finished_at for run in runs if run.finished_at is not None]
    again = [replays[run.id] for run in runs if run.id in replays]
    return FailureGroup(
        namespace=newest.namespace,
        fingerprint=mark,
        workflow=newest.workflow,
        step=newest.failed_step or "",
        error_type=newest.error_type or "",
        error_message=newest.error_message or "",
        count=len(runs),
        first_at=min(ends),
        last_at=max(ends),
        versions=tuple(sorted({run.version for run in runs})),
        samples=tuple(run.id for run in runs[: -MOST_SAMPLES - 1 : -1]),
        replayed=len(again),
        recovered=sum(any(run.status is RunStatus.SUCCEEDED for run in each) for each in again),
        note=tables.notes.get((newest.namespace, mark)),
        more=more_since_note(tables, newest.namespace, mark),
    )


def more_since_note(tables: Tables, namespace: str, mark: str) -> int:
    note = tables.notes.get((namespace, mark))
    if note is None or note.until_more is None:
        return 0
    all_of_them = failures(tables, namespace, None)[mark]
    return sum(run.finished_at is not None and run.finished_at > note.at for run in all_of_them)


def group_activity(
    tables: Tables, namespace: str, fingerprints: set[str], since: datetime, width: timedelta
) -> dict[str, list[Bucket]]:
    activity: dict[str, list[Bucket]] = {}
    for mark, runs in failures(tables, namespace, since).items():
        if mark in fingerprints:
            counts: dict[int, int] = {}
            for run in runs:
                index = (run.created_at - since) // width
                counts[index] = counts.get(index, 0) + 1
            activity[mark] = [Bucket(since + index * width, {"failed": n}) for index, n in sorted(counts.items())]
    return activity
