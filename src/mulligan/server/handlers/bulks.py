"""Bulk replays: previewed, made, looked at and controlled."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Annotated

import msgspec
from msgspec import Meta

from mulligan.core.bulk import Bulk, Control, ItemState, stages_for
from mulligan.core.bulk import BulkItem as CoreItem
from mulligan.core.query import RunFilter
from mulligan.core.query_text import parse_query
from mulligan.core.records import Run
from mulligan.core.replay import ReplayRequest as CoreRequest
from mulligan.engine.api import Brakes
from mulligan.errors import Conflict, InvalidInput, NotFound, Problem
from mulligan.server.endpoint import Reply
from mulligan.server.reading.replays import asked, shown_request
from mulligan.server.reading.runs import shown_status
from mulligan.server.reading.scene import RUN_ID
from mulligan.server.site import Call
from mulligan.wire.ids import encode_id
from mulligan.wire.rest import bulks as shapes
from mulligan.wire.rest.codec import Question, Unset, write

MOST_LISTED = 100


class ItemQuery(Question, frozen=True, kw_only=True):
    """``cursor``: ``next_cursor`` of the page before."""

    state: shapes.ItemState | None = None
    limit: Annotated[int, Meta(ge=1, le=500)] = 100
    cursor: Annotated[int, Meta(ge=0, le=2**40)] | None = None


async def preview_bulk(call: Call, body: shapes.BulkSelection) -> shapes.BulkPreview:
    """How many runs a bulk replay would take, and for which of the first 200 it is refused, and why."""
    preview = await call.engine.bulks.preview(call.namespace, _selected(call, body), _for_all(body))
    return shapes.BulkPreview(
        matched=preview.matched,
        eligible=preview.eligible,
        previewed=preview.previewed,
        will_run=preview.will_run,
        problems=[shapes.RunProblem(run_id=run_id, problem=problem) for run_id, problem in preview.problems],
    )


async def create_bulk(call: Call, body: shapes.BulkReplay, idempotency_key: str | None) -> Reply:
    """Replay many runs, carefully. The selection is frozen now; the same Idempotency-Key finds the same bulk replay."""
    request = _for_all(body)
    bulk_id = None if idempotency_key is None else _id_for(call, idempotency_key)
    known = None if bulk_id is None else await call.engine.store.bulk(call.namespace, bulk_id)
    brakes = Brakes(
        canary=tuple(body.canary),
        rate=body.rate,
        stop_after=body.stop_after,
        stop_on_new=body.stop_on_new,
    )
    bulk = known or await call.engine.bulks.create(
        call.namespace,
        _selected(call, body),
        _query(body),
        request,
        brakes,
        author=call.caller.actor,
        bulk_id=bulk_id,
    )
    # asked of what has just been made, too: another request with the same key may have been faster
    if bulk_id is not None and not await _is_the_same(call, bulk, body, request, brakes):
        raise Conflict(
            f"The Idempotency-Key has been used for another bulk replay, {bulk.id}. Use a new key for a new one.",
            code="idempotency_conflict",
        )
    return Reply(201 if known is None else 200, write(await _shape(call, bulk)))


async def _is_the_same(call: Call, known: Bulk, body: shapes.BulkReplay, request: CoreRequest, brakes: Brakes) -> bool:
    """Whether this request has made ``known``, as far as that has made a difference."""
    given = (_query(body), msgspec.json.encode(request).decode(), stages_for(known.total, brakes.canary))
    careful = (brakes.rate, brakes.stop_after, brakes.stop_on_new)
    if (known.query, known.request, known.stages) != given:
        return False
    if (known.rate, known.stop_after, known.stop_on_new) != careful:
        return False
    if body.ids is None:
        return True
    items = await call.engine.store.bulk_items(call.namespace, known.id, None, -1, len(body.ids))
    return {item.source_id for item, _ in items} <= set(body.ids)


def _selected(call: Call, body: shapes.BulkSelection) -> RunFilter:
    wanted = parse_query(body.q, call.engine.clock.now())
    if body.ids is None:
        if not body.q.strip():
            raise _refused("/q", "say which runs are meant, by a query or by ids; all there are cannot be")
        return wanted
    unknown = [place for place, run_id in enumerate(body.ids) if RUN_ID.fullmatch(run_id) is None]
    if unknown or not body.ids:
        raise _refused(f"/ids/{unknown[0]}" if unknown else "/ids", "ids are run ids, at least one")
    return replace(wanted, ids=tuple(body.ids))


def _query(body: shapes.BulkSelection) -> str:
    chosen = f"{len(body.ids)} chosen runs" if body.ids is not None else ""
    return " of ".join(part for part in (chosen, body.q) if part)


def _for_all(body: shapes.BulkSelection) -> CoreRequest:
    """The one request for all runs. Raises InvalidInput when it holds what can only be meant for one of them."""
    request = body.request
    if request.inputs or not isinstance(request.input, Unset):
        path = "/request/inputs" if request.inputs else "/request/input"
        raise _refused(path, "a whole document would copy one run's input to all others; send a patch of what changes")
    return asked(request)


def _refused(path: str, rule: str) -> InvalidInput:
    return InvalidInput(f"The bulk replay does not fit: {rule}.", problems=(Problem(path, rule, "the request body"),))


def _id_for(call: Call, idempotency_key: str) -> str:
    """The same id for the same key, without a table of keys."""
    content = f"{call.namespace}\0{idempotency_key}".encode()
    return encode_id(hashlib.sha256(content).digest()[:16])


# ── Looking ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def list_bulks(call: Call) -> shapes.BulkList:
    """The newest bulk replays."""
    newest = await call.engine.store.bulks(call.namespace, MOST_LISTED)
    return shapes.BulkList(items=[await _shape(call, bulk) for bulk in newest])


async def show_bulk(call: Call, bulk_id: str) -> shapes.Bulk:
    """A bulk replay, and how far it is."""
    return await _shape(call, await _load(call, bulk_id))


async def list_bulk_items(call: Call, bulk_id: str, query: ItemQuery) -> shapes.BulkItems:
    """The source runs of a bulk replay, in order, each with what became of it."""
    await _load(call, bulk_id)
    state = None if query.state is None else ItemState(query.state)
    after = -1 if query.cursor is None else query.cursor
    found = await call.engine.store.bulk_items(call.namespace, bulk_id, state, after, query.limit + 1)
    page = found[: query.limit]
    next_cursor = str(page[-1][0].position) if len(found) > query.limit else None
    return shapes.BulkItems(items=[_item(item, run) for item, run in page], next_cursor=next_cursor)


async def _load(call: Call, bulk_id: str) -> Bulk:
    bulk = await call.engine.store.bulk(call.namespace, bulk_id) if RUN_ID.fullmatch(bulk_id) else None
    if bulk is None:
        raise NotFound(f"There is no bulk replay {bulk_id!r}.")
    return bulk


def _item(item: CoreItem, run: Run | None) -> shapes.BulkItem:
    return shapes.BulkItem(
        position=item.position,
        source_id=item.source_id,
        state=item.state.value,
        run_id=item.run_id,
        status=None if run is None else shown_status(run.status, started=True),
        error_type=None if run is None else run.error_type,
        error_message=None if run is None else run.error_message,
        problem=item.problem,
    )


async def _shape(call: Call, bulk: Bulk) -> shapes.Bulk:
    progress = await call.engine.store.bulk_progress(bulk.id)
    return shapes.Bulk(
        id=bulk.id,
        created_at=bulk.created_at,
        author=bulk.author,
        reason=bulk.reason,
        query=bulk.query,
        request=shown_request(msgspec.json.decode(bulk.request, type=CoreRequest)),
        matched=bulk.matched,
        total=bulk.total,
        stages=list(bulk.stages),
        rate=bulk.rate,
        stop_after=bulk.stop_after,
        stop_on_new=bulk.stop_on_new,
        state=bulk.state.value,
        state_reason=bulk.state_reason,
        state_at=bulk.state_at,
        state_by=bulk.state_by,
        progress=shapes.BulkProgress(
            waiting=progress.waiting,
            started=progress.started,
            refused=progress.refused,
            running=progress.running,
            succeeded=progress.succeeded,
            failed=progress.failed,
        ),
    )


# ── Controlling ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def pause_bulk(call: Call, bulk_id: str, body: shapes.ControlRequest) -> shapes.Bulk:
    """Begin no more replays; those that run go on."""
    return await _control(call, bulk_id, "pause", body)


async def resume_bulk(call: Call, bulk_id: str, body: shapes.ControlRequest) -> shapes.Bulk:
    """Go on. The failures there are so far are forgiven: somebody has looked at them."""
    return await _control(call, bulk_id, "resume", body)


async def abort_bulk(call: Call, bulk_id: str, body: shapes.ControlRequest) -> shapes.Bulk:
    """Begin no more replays, for good."""
    return await _control(call, bulk_id, "abort", body)


async def _control(call: Call, bulk_id: str, control: Control, body: shapes.ControlRequest) -> shapes.Bulk:
    await _load(call, bulk_id)
    changed = await call.engine.bulks.control(
        call.namespace, bulk_id, control, actor=call.caller.actor, reason=body.reason
    )
    return await _shape(call, changed)
