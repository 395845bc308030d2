"""Questions of the failure inbox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from mulligan.core.inbox import FailureGroup, GroupNote
from mulligan.ports.store import Bucket
from mulligan.stores import stored
from mulligan.stores.postgres.bulks import count_of
from mulligan.stores.postgres.load import load_runs
from mulligan.stores.postgres.statement import Connection, Statement

COUNT_FAILURES_SINCE = Statement("count_failures_since")
COUNT_RECOVERIES = Statement("count_recoveries")
FIND_FAILURE_GROUPS = Statement("find_failure_groups")
FIND_FAILURE_SAMPLES = Statement("find_failure_samples")
FIND_GROUP_ACTIVITY = Statement("find_group_activity")
FIND_GROUP_NOTES = Statement("find_group_notes")


async def find_failure_groups(
    connection: Connection, namespace: str, since: datetime | None, fingerprint: str | None, limit: int
) -> list[FailureGroup]:
    found = await FIND_FAILURE_GROUPS.fetch(
        connection, namespace=namespace, since=since, fingerprint=fingerprint, limit=limit
    )
    marks = [row[0] for row in found]
    notes = stored.records(GroupNote, await FIND_GROUP_NOTES.fetch(connection, namespace=namespace, fingerprints=marks))
    note_of = {note.fingerprint: note for note in notes}
    waiting = [note for note in notes if note.until_more is not None]
    asked = {"fingerprints": [note.fingerprint for note in waiting], "since": [note.at for note in waiting]}
    more = count_of(await COUNT_FAILURES_SINCE.fetch(connection, namespace=namespace, **asked))
    counted = await COUNT_RECOVERIES.fetch(connection, namespace=namespace, since=since, fingerprints=marks)
    recovery_of = {mark: (replayed, recovered) for mark, replayed, recovered in counted}
    newest = {run.id: run for run in await load_runs(connection, [row[4] for row in found])}
    groups = []
    for mark, count, first_at, last_at, newest_id, versions in found:
        run = newest[newest_id]
        replayed, recovered = recovery_of.get(mark, (0, 0))
        samples = await FIND_FAILURE_SAMPLES.fetch(connection, namespace=namespace, since=since, fingerprint=mark)
        groups.append(
            FailureGroup(
                namespace=namespace,
                fingerprint=mark,
                workflow=run.workflow,
                step=run.failed_step or "",
                error_type=run.error_type or "",
                error_message=run.error_message or "",
                count=count,
                first_at=first_at,
                last_at=last_at,
                versions=tuple(sorted(versions)),
                samples=tuple(run_id for (run_id,) in samples),
                replayed=replayed,
                recovered=recovered,
                note=note_of.get(mark),
                more=more.get(mark, 0),
            )
        )
    return groups


async def find_activity(
    connection: Connection, namespace: str, fingerprints: Sequence[str], since: datetime, width_s: int
) -> dict[str, list[Bucket]]:
    found = await FIND_GROUP_ACTIVITY.fetch(
        connection, namespace=namespace, fingerprints=list(fingerprints), since=since, width=width_s
    )
    activity: dict[str, list[Bucket]] = {}
    for mark, index, count in found:
        bucket = Bucket(since + index * timedelta(seconds=width_s), {"failed": count})
        activity.setdefault(mark, []).append(bucket)
    return activity
