"""The one query grammar for runs: UI, CLI, SDK and REST all speak it.

``status:failed workflow:summarise error:~RateLimit input.lang:fr attempt:>1 since:24h -tag.team:web some words``
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class FieldTest:
    """A test on a value at ``path`` inside the run input (``input.a.b:x``) or in the metadata (``tag.k:v``)."""

    path: tuple[str, ...]
    value: str


@dataclass(frozen=True, slots=True)
class RunFilter:
    """A query as a closed set of conditions, all of which must hold. Empty tuples and None mean *any*.

    ``statuses`` may hold the run statuses and ``queued`` (running, but no attempt given out yet). ``not_…`` excludes.
    ``text`` words must occur in id, workflow, error or key. ``from_id``: this run and those with later ids.
    """

    ids: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    not_statuses: tuple[str, ...] = ()
    workflows: tuple[str, ...] = ()
    not_workflows: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    failed_steps: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()
    error_types: tuple[str, ...] = ()
    error_contains: tuple[str, ...] = ()
    source_ids: tuple[str, ...] = ()
    parent_ids: tuple[str, ...] = ()
    bulk_ids: tuple[str, ...] = ()
    family_ids: tuple[str, ...] = ()
    replays_only: bool | None = None
    from_id: str | None = None
    since_at: datetime | None = None
    until_at: datetime | None = None
    min_attempts: int | None = None
    inputs: tuple[FieldTest, ...] = ()
    tags: tuple[FieldTest, ...] = ()
    not_tags: tuple[FieldTest, ...] = ()
    text: tuple[str, ...] = ()
