"""How bulk replays are previewed, made and controlled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from mulligan.core.bulk import FASTEST, LANE_PRIORITY, LARGEST, SLOWEST, Bulk, BulkItem, BulkState, Control, stages_for
from mulligan.core.commands import ControlBulk, CreateBulk
from mulligan.core.query import RunFilter
from mulligan.core.replay import ReplayRequest
from mulligan.errors import InvalidInput, NotFound, Refused, TooLarge

if TYPE_CHECKING:
    from mulligan.engine.api import Engine

MOST_PREVIEWED = 200
"""Runs whose plans a preview makes; the counts of the others are estimated from nothing, and said to be unknown."""


@dataclass(frozen=True, slots=True)
class Brakes:
    """How carefully a bulk replay goes on. ``canary``: see ``core.bulk.stages_for``. ``rate``: replays per second."""

    canary: tuple[int | float, ...] = ()
    rate: float | None = None
    stop_after: int | None = None
    stop_on_new: bool = False


@dataclass(frozen=True, slots=True)
class Preview:
    """What a bulk replay would do. ``matched`` runs fit the query, ``eligible`` of them have finished.

    ``previewed`` of those were planned one by one: ``will_run`` would be replayed; ``problems`` says for each other
    source run why not.
    """

    matched: int
    eligible: int
    previewed: int
    will_run: int
    problems: tuple[tuple[str, str], ...]


class Bulks:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def select(self, namespace: str, wanted: RunFilter) -> tuple[int, list[str]]:
        """How many runs match, and the ids of those that have finished. Raises TooLarge."""
        store = self._engine.store
        counts = await store.count_runs(namespace, wanted)
        matched = sum(counts.values())
        if matched > LARGEST:
            raise TooLarge(
                f"{matched:,} runs match; one bulk replay takes {LARGEST:,} at most. Narrow the query, "
                "for example with since: or until:.",
            )
        ids = await store.find_run_ids(namespace, wanted, LARGEST)
        facts = await store.facts(ids)
        return matched, [run_id for run_id in ids if run_id in facts and facts[run_id].run.status != "running"]

    async def preview(self, namespace: str, wanted: RunFilter, request: ReplayRequest) -> Preview:
        """Plan the first runs one by one, and say for which of them the replay is refused, and why."""
        matched, eligible = await self.select(namespace, wanted)
        problems: list[tuple[str, str]] = []
        looked_at = eligible[:MOST_PREVIEWED]
        for run_id in looked_at:
            try:
                await self._engine.plan_replay(namespace, run_id, request)
            except Refused as refusal:
                problems.append((run_id, str(refusal)))
        will_run = len(looked_at) - len(problems)
        return Preview(matched, len(eligible), len(looked_at), will_run, tuple(problems))

    async def create(
        self,
        namespace: str,
        wanted: RunFilter,
        query: str,
        request: ReplayRequest,
        brakes: Brakes,
        *,
        author: str,
        bulk_id: str | None = None,
    ) -> Bulk:
        """Freeze the selection and begin. Oldest runs first. Raises InvalidInput without a reason or without runs."""
        if not request.reason.strip():
            raise InvalidInput("A bulk replay needs a reason: whoever looks at it later will want to know.")
        check(brakes)
        matched, eligible = await self.select(namespace, wanted)
        if not eligible:
            raise InvalidInput(f"No finished run matches {query!r}, so there is nothing to replay.")
        bulk = Bulk(
            id=bulk_id or self._engine.chance.new_id(),
            namespace=namespace,
            created_at=self._engine.clock.now(),
            author=author,
            reason=request.reason,
            query=query,
            request=msgspec.json.encode(request).decode(),
            matched=matched,
            total=len(eligible),
            stages=stages_for(len(eligible), brakes.canary),
            rate=brakes.rate,
            stop_after=brakes.stop_after,
            stop_on_new=brakes.stop_on_new,
        )
        created: Bulk = await self._engine.submit(CreateBulk(bulk=bulk, items=items_of(bulk, eligible)))
        self._engine.wake_agents()
        return created

    async def control(self, namespace: str, bulk_id: str, control: Control, *, actor: str, reason: str = "") -> Bulk:
        """Pause, resume or abort. Raises NotFound, Conflict (wrong_state)."""
        if await self._engine.store.bulk(namespace, bulk_id) is None:
            raise NotFound(f"There is no bulk replay {bulk_id!r}.")
        progress = await self._engine.store.bulk_progress(bulk_id)
        changed: Bulk = await self._engine.submit(
            ControlBulk(
                bulk_id=bulk_id,
                namespace=namespace,
                control=control,
                actor=actor,
                reason=reason,
                failed=progress.failed,
                fingerprints=progress.new_fingerprints,
            )
        )
        if changed.state is BulkState.RUNNING:
            self._engine.wake_agents()
        return changed

    async def replay_one(self, bulk: Bulk, source_id: str) -> str:
        """Make the replay of one source run, in the low-priority lane. The same again finds the same run."""
        request = msgspec.json.decode(bulk.request, type=ReplayRequest)
        replayed = await self._engine.replay(
            bulk.namespace,
            source_id,
            request,
            author=bulk.author,
            idempotency_key=f"bulk:{bulk.id}:{source_id}",
            priority=LANE_PRIORITY,
            bulk_id=bulk.id,
        )
        return replayed.run_id


def items_of(bulk: Bulk, newest_first: Sequence[str]) -> tuple[BulkItem, ...]:
    return tuple(
        BulkItem(bulk_id=bulk.id, namespace=bulk.namespace, position=position, source_id=run_id)
        for position, run_id in enumerate(reversed(newest_first))
    )


def check(brakes: Brakes) -> None:
    """Raises InvalidInput for numbers that cannot be meant."""
    if brakes.rate is not None and not SLOWEST <= brakes.rate <= FASTEST:
        raise InvalidInput(f"rate is replays per second, from {SLOWEST} to {FASTEST:,}; not {brakes.rate}.")
    if brakes.stop_after is not None and brakes.stop_after < 1:
        raise InvalidInput(f"stop_after is a count of failures from 1; not {brakes.stop_after}.")
    if any(part <= 0 or (part > 1 and part != int(part)) for part in brakes.canary):
        raise InvalidInput("canary parts are counts from 1, or fractions between 0 and 1.")
