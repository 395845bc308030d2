"""Questions of the failure inbox."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import apsw

from mulligan.core.inbox import FailureGroup, GroupNote
from mulligan.ports.store import Bucket
from mulligan.stores import stored
from mulligan.stores.sqlite import rows
from mulligan.stores.sqlite.database import snapshot
from mulligan.stores.sqlite.load import load_runs
from mulligan.stores.statements import read_statement

COUNT_FAILURES_SINCE = read_statement(__package__, "count_failures_since")
COUNT_RECOVERIES = read_statement(__package__, "count_recoveries")
FIND_FAILURE_GROUPS = read_statement(__package__, "find_failure_groups")
FIND_FAILURE_SAMPLES = read_statement(__package__, "find_failure_samples")
FIND_GROUP_ACTIVITY = read_statement(__package__, "find_group_activity")
FIND_GROUP_NOTES = read_statement(__package__, "find_group_notes")


def find_failure_groups(
    connection: apsw.Connection, namespace: str, since: datetime | None, fingerprint: str | None, limit: int
) -> list[FailureGroup]:
    asked: dict[str, Any] = {"namespace": namespace, "since": None if since is None else rows.micros(since)}
    with snapshot(connection):
        found: list[Any] = connection.execute(
            FIND_FAILURE_GROUPS, {**asked, "fingerprint": fingerprint, "limit": limit}
        ).fetchall()
        marks = {**asked, "fingerprints": stored.json_text([row[0] for row in found])}
        notes = stored.records(GroupNote, connection.execute(FIND_GROUP_NOTES, marks))
        waiting = [(note.fingerprint, rows.micros(note.at)) for note in notes if note.until_more is not None]
        asked_more = {"namespace": namespace, "notes": stored.json_text(waiting)}
        more = dict(connection.execute(COUNT_FAILURES_SINCE, asked_more)) if waiting else {}
        recoveries: list[Any] = connection.execute(COUNT_RECOVERIES, marks).fetchall()
        samples: dict[str, list[Any]] = {
            row[0]: connection.execute(FIND_FAILURE_SAMPLES, {**asked, "fingerprint": row[0]}).fetchall()
            for row in found
        }
        newest = {run.id: run for run in load_runs(connection, [row[4] for row in found])}
    note_of = {note.fingerprint: note for note in notes}
    recovery_of = {mark: (replayed, recovered) for mark, replayed, recovered in recoveries}
    groups = []
    for mark, count, first_at, last_at, newest_id, versions in found:
        run = newest[newest_id]
        replayed, recovered = recovery_of.get(mark, (0, 0))
        groups.append(
            FailureGroup(
                namespace=namespace,
                fingerprint=mark,
                workflow=run.workflow,
                step=run.failed_step or "",
                error_type=run.error_type or "",
                error_message=run.error_message or "",
                count=count,
                first_at=rows.instant(first_at),
                last_at=rows.instant(last_at),
                versions=tuple(sorted(json.loads(versions))),
                samples=tuple(run_id for (run_id,) in samples[mark]),
                replayed=replayed,
                recovered=recovered,
                note=note_of.get(mark),
                more=more.get(mark, 0),
            )
        )
    return groups


def find_activity(
    connection: apsw.Connection, namespace: str, fingerprints: Sequence[str], since: datetime, width_s: int
) -> dict[str, list[Bucket]]:
    asked = {
        "namespace": namespace,
        "fingerprints": stored.json_text(fingerprints),
        "since": rows.micros(since),
        "width": width_s * 1_000_000,
    }
    activity: dict[str, list[Bucket]] = {}
    for mark, index, count in connection.execute(FIND_GROUP_ACTIVITY, asked):
        bucket = Bucket(since + index * timedelta(seconds=width_s), {"failed": count})
        activity.setdefault(mark, []).append(bucket)
    return activity
