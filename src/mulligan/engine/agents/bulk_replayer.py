"""Moves bulk replays on, by the rule in ``core.bulk``."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import msgspec

from mulligan.core.bulk import CHECK_EVERY, HALTED, Bulk, BulkItem, ItemState, advance
from mulligan.core.commands import MoveBulk
from mulligan.engine.inbox import Submit
from mulligan.errors import Refused, StoreConflict, Unavailable
from mulligan.ports.store import Store

MakeReplay = Callable[[Bulk, str], Awaitable[str]]
"""Make the replay of one source run of a bulk replay; answers with the new run's id. Raises Refused."""

PAGE = 100
"""Bulk replays read at once."""

TRY_AGAIN = timedelta(seconds=10)
"""After a bulk replay could not be moved on, for a reason that is its own."""

log = logging.getLogger("mulligan.engine")


class BulkReplayer:
    """A crash between making a replay and recording it is harmless: each replay of a bulk has an idempotency key of
    bulk and source run, so that the repeat finds the run that was made."""

    def __init__(self, store: Store, submit: Submit, make: MakeReplay) -> None:
        self._store = store
        self._submit = submit
        self._make = make

    async def tick(self, now: datetime) -> datetime | None:
        """Do what is to be done now for every running bulk replay, and say when to come again."""
        moments = []
        after = ""
        while page := await self._store.running_bulks(after, PAGE):
            moments += [await self._forgiving(bulk, now) for bulk in page]
            after = page[-1].id
        return min((again_at for again_at in moments if again_at is not None), default=None)

    async def _forgiving(self, bulk: Bulk, now: datetime) -> datetime | None:
        """Move one on. If that fails, the others go on, and this one is tried again."""
        try:
            return await self._move(bulk, now)
        except Unavailable:
            raise  # the others would meet it too
        except Exception:
            log.exception("the bulk replay %s could not be moved on; it is tried again", bulk.id)
            return now + TRY_AGAIN

    async def _move(self, bulk: Bulk, now: datetime) -> datetime | None:
        progress = await self._store.bulk_progress(bulk.id)
        advice = advance(bulk, progress, now)
        items = await self._begin_next(bulk, progress.begun, advice.begin) if advice.begin else []
        if items or advice.state is not None:
            move = MoveBulk(
                bulk_id=bulk.id,
                namespace=bulk.namespace,
                items=tuple(items),
                state=advice.state,
                reason=advice.reason,
            )
            (answer,) = await self._submit((move,))
            if isinstance(answer, Exception):
                return now + CHECK_EVERY  # it was not written, and nothing else would ever bring us back
        return advice.again_at

    async def _begin_next(self, bulk: Bulk, begun: int, count: int) -> list[BulkItem]:
        """Begin ``count`` items beyond the first ``begun``, by position: what another engine has begun since those were
        counted must not bring the ones behind it forward."""
        waiting = await self._store.bulk_items(bulk.namespace, bulk.id, ItemState.WAITING, -1, count)
        items: list[BulkItem] = []
        for item, _ in waiting:
            if item.position >= begun + count or (after := await self._begin(bulk, item)) is None:
                break
            items.append(after)
        return items

    async def _begin(self, bulk: Bulk, item: BulkItem) -> BulkItem | None:
        """The item as it is then, or None if the bulk replay has been paused, stopped or aborted meanwhile."""
        try:
            run_id = await self._make(bulk, item.source_id)
        except (Unavailable, StoreConflict):
            raise  # it says nothing about the item, which is begun at the next tick
        except Refused as refusal:
            if refusal.code == HALTED:
                return None
            return msgspec.structs.replace(item, state=ItemState.REFUSED, problem=str(refusal))
        except Exception as error:
            log.exception("the replay of %s in the bulk replay %s could not be made", item.source_id, bulk.id)
            problem = f"The engine could not make this replay: {error!r}. See the server's log."
            return msgspec.structs.replace(item, state=ItemState.REFUSED, problem=problem)
        return msgspec.structs.replace(item, state=ItemState.STARTED, run_id=run_id)
