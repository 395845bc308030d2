"""Starting, listing, looking at and cancelling runs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from mulligan.core.commands import CancelRun, Started, StartRun
from mulligan.core.inputs import output_ref
from mulligan.core.query import RunFilter
from mulligan.core.query_text import MAX_LENGTH, parse_query
from mulligan.core.records import RunStatus, Variable, Version
from mulligan.engine.api import check_values, problems_in, require_valid, schemas_seen
from mulligan.errors import InvalidInput, MulliganError, NotFound, Problem
from mulligan.server.endpoint import Reply
from mulligan.server.problems import problem_of
from mulligan.server.reading.bars import scale_since
from mulligan.server.reading.events import events_of
from mulligan.server.reading.payloads import given, given_overrides
from mulligan.server.reading.runs import FamilyMember, lineage, run_detail, run_summary, shown_status
from mulligan.server.reading.scene import RUN_ID, load_document, load_scene, no_such_run, run_id_of
from mulligan.server.site import Call
from mulligan.wire.rest.codec import JsonText, Question, Unset, write
from mulligan.wire.rest.runs import (
    BulkAnswer,
    BulkAnswers,
    BulkStart,
    BulkStartItem,
    CancelAnswer,
    CancelRequest,
    EventList,
    Histogram,
    Lineage,
    RunCount,
    RunDetail,
    RunList,
    RunSummary,
    StartRequest,
)

MOST_RELATIVES = 500
MOST_INPUTS = 10_000
"""Searched by one question: a tenth of a second of work (docs/why/0011-lists-are-searched-not-indexed.md)."""
Query = Annotated[str, Meta(max_length=MAX_LENGTH)]

Asked = tuple[str, str | None, bool]
"""(workflow, version, whether values of playground variables are given)"""


class StartQuery(Question, frozen=True, kw_only=True):
    """``wait_s``: answer when the run has ended, with its detail, or after so many seconds."""

    wait_s: Annotated[float, Meta(ge=0, le=60)] = 0.0


class ListQuery(Question, frozen=True, kw_only=True):
    """``q``: the query grammar. ``cursor``: ``next_cursor`` of the page before."""

    q: Query = ""
    limit: Annotated[int, Meta(ge=1, le=500)] = 50
    cursor: Annotated[str, Meta(max_length=100)] | None = None


class CountQuery(Question, frozen=True, kw_only=True):
    q: Query = ""


class HistogramQuery(Question, frozen=True, kw_only=True):
    """``since``: a span such as 24h, divided into ``buckets`` bars."""

    q: Query = ""
    since: Annotated[str, Meta(max_length=50)] = "24h"
    buckets: Annotated[int, Meta(ge=1, le=500)] = 48


# ── Starting ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def start_run(call: Call, body: StartRequest, query: StartQuery, idempotency_key: str | None) -> Reply:
    """Start a run. It is committed when this answers. The same Idempotency-Key and input get the same run (200)."""
    start = _start_of(call, body, await _code_for(call, body), idempotency_key)
    try:
        started: Started = await call.engine.submit(start.command)
    except NotFound as error:
        raise start.refusal or error from None
    status = 200 if started.existing else 201
    if query.wait_s > 0 and await _ends_within(call, started.run_id, timedelta(seconds=query.wait_s)):
        return Reply(status, write(await show_run(call, started.run_id)))
    return Reply(status, write(await _summary(call, started.run_id)))


@dataclass(frozen=True, slots=True)
class Code:
    """What a start is held against. ``variables``: those known of the workflow, if the start gives any."""

    version: Version
    variables: list[Variable]


async def _code_for(call: Call, asked: StartRequest) -> Code:
    version = await call.engine.version_of(call.namespace, asked.workflow, asked.version)
    known = await call.engine.store.variables(call.namespace, asked.workflow) if asked.playground else []
    return Code(version, known)


@dataclass(frozen=True, slots=True)
class Start:
    """``refusal``: why no run is made now. The one that was made before, under the key, is the answer all the same."""

    command: StartRun
    refusal: InvalidInput | None


def _start_of(call: Call, asked: StartRequest, code: Code, idempotency_key: str | None) -> Start:
    """Raises InvalidInput when the input or a playground value does not fit what the workflow's code declares."""
    definition = code.version.definition
    where = f"input of {asked.workflow}"
    command = StartRun(
        run_id=call.engine.chance.new_id(),
        namespace=call.namespace,
        workflow=asked.workflow,
        input=_given_input(asked, definition.input_schema, where),
        version=None if asked.version is None else code.version.digest,
        metadata=asked.metadata,
        priority=asked.priority,
        delay=timedelta(seconds=asked.delay_s),
        idempotency_key=idempotency_key,
        overrides=given_overrides(asked.playground),
    )
    try:
        require_valid(command.input, definition.input_schema, where)
        check_values(command.overrides, partial(schemas_seen, code.variables))
    except InvalidInput as refusal:
        if idempotency_key is None:
            raise
        # Code may have been deployed, or a step have run, since the request came for the first time.
        return Start(msgspec.structs.replace(command, only_if_made=True), refusal)
    return Start(command, None)


def _given_input(asked: StartRequest, schema: str, where: str) -> bytes:
    if not isinstance(asked.input, Unset):
        return given(asked.input, where)
    # Not given: no arguments for those who take arguments by name, and nothing for those who take nothing.
    return b"null" if problems_in(b"{}", schema, where) and not problems_in(b"null", schema, where) else b"{}"


async def _ends_within(call: Call, run_id: str, span: timedelta) -> bool:
    """Whether the run has ended, waiting for it by the engine's clock."""
    ended = asyncio.ensure_future(call.engine.wait(call.namespace, run_id))
    slept = asyncio.ensure_future(call.engine.clock.sleep(span))
    try:
        await asyncio.wait((ended, slept), return_when=asyncio.FIRST_COMPLETED)
        return ended.done()
    finally:
        ended.cancel()
        slept.cancel()
        await asyncio.gather(ended, slept, return_exceptions=True)


async def start_runs(call: Call, body: BulkStart) -> BulkAnswers:
    """Start many runs in one transaction. Each is accepted or refused by itself."""
    answers: list[BulkAnswer | None] = [None] * len(body.runs)
    starts: list[Start] = []
    places: list[int] = []
    known: dict[Asked, Code] = {}
    for place, asked in enumerate(body.runs):
        try:
            starts.append(await _checked_start(call, asked, known))
            places.append(place)
        except MulliganError as error:
            answers[place] = BulkAnswer(problem=problem_of(error))
    made = await call.engine.submit_all([start.command for start in starts]) if starts else []
    for place, start, answer in zip(places, starts, made, strict=True):
        if isinstance(answer, Started):
            answers[place] = BulkAnswer(id=answer.run_id, existing=answer.existing)
        elif isinstance(answer, MulliganError):
            refusal = start.refusal if isinstance(answer, NotFound) else None
            answers[place] = BulkAnswer(problem=problem_of(refusal or answer))
        else:
            raise answer
    return BulkAnswers(items=[answer for answer in answers if answer is not None])


async def _checked_start(call: Call, asked: BulkStartItem, known: dict[Asked, Code]) -> Start:
    name = (asked.workflow, asked.version, bool(asked.playground))
    if name not in known:
        known[name] = await _code_for(call, asked)
    return _start_of(call, asked, known[name], asked.idempotency_key)


# ── Lists ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def list_runs(call: Call, query: ListQuery) -> RunList:
    """Runs that a query means, newest first."""
    wanted = parse_query(query.q, call.engine.clock.now())
    before = query.cursor
    if before is not None and RUN_ID.fullmatch(before) is None:
        raise InvalidInput(
            "This cursor was not made by this list. Leave it out to begin at the newest run.",
            problems=(Problem("/cursor", "not a cursor of this list", "query"),),
        )
    reach = await _within_reach(call, wanted, before)
    rows = await call.engine.store.find_runs(call.namespace, reach.wanted, before, query.limit + 1)
    if len(rows) <= query.limit:
        next_cursor = reach.wanted.from_id
        return RunList(items=list(map(run_summary, rows)), next_cursor=next_cursor, searched_to=reach.searched_to)
    page = rows[: query.limit]
    return RunList(items=list(map(run_summary, page)), next_cursor=page[-1].run.id)


async def count_runs(call: Call, query: CountQuery) -> RunCount:
    """How many runs a query means, by status."""
    reach = await _within_reach(call, parse_query(query.q, call.engine.clock.now()), None)
    by_status = await call.engine.store.count_runs(call.namespace, reach.wanted)
    return RunCount(total=sum(by_status.values()), by_status=by_status, searched_to=reach.searched_to)


async def histogram(call: Call, query: HistogramQuery) -> Histogram:
    """How many runs were created when, by status."""
    now = call.engine.clock.now()
    scale = scale_since(query.since, query.buckets, now)
    wanted = parse_query(query.q, now)
    # Runs that no bar is for are not searched.
    since_at = max(filter(None, (wanted.since_at, scale.first_at)))
    reach = await _within_reach(call, replace(wanted, since_at=since_at), None)
    found = await call.engine.store.histogram(call.namespace, reach.wanted, scale.first_at, scale.width_s)
    bars = scale.bars({bucket.at: bucket.counts for bucket in found})
    return Histogram(width_s=scale.width_s, buckets=bars, searched_to=reach.searched_to)


@dataclass(frozen=True, slots=True)
class Reach:
    """What one question may look at. ``searched_to``: the time of the last run in reach, if there are more."""

    wanted: RunFilter
    searched_to: datetime | None = None


async def _within_reach(call: Call, wanted: RunFilter, before: str | None) -> Reach:
    """No index knows what is in the inputs: a search there reads so many of them, the newest, and says how far it came.

    Everything else that is asked for narrows first, so that ``status:failed input.x:1`` looks at failed runs alone.
    """
    if not wanted.inputs:
        return Reach(wanted)
    asked = replace(wanted, inputs=())
    if asked.until_at is None:
        # From the newest on, ``since`` is where one arrives; as a condition it would have all runs since then sorted.
        asked = replace(asked, since_at=None)
    last = await call.engine.store.nth_run(call.namespace, asked, before, MOST_INPUTS)
    if last is None or (wanted.since_at is not None and last[1] < wanted.since_at):
        return Reach(wanted)
    return Reach(replace(wanted, from_id=last[0]), searched_to=last[1])


# ── One run ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def show_run(call: Call, run_id: str) -> RunDetail:
    """A run with its graph, its steps and how it came to be."""
    scene = await load_scene(call, run_id)
    definition = scene.document.version.definition
    ref = output_ref(scene.facts, definition.steps[0].name) if definition.is_task else None
    produced = await call.engine.payloads.fetch([run_id], [] if ref is None else [ref])
    family = await _family(call, scene.document.run.family_id)
    children = await call.engine.store.count_runs(call.namespace, RunFilter(parent_ids=(run_id,)))
    return run_detail(scene, produced.inputs[run_id], produced.outputs.get(ref) if ref else None, family, children)


async def _summary(call: Call, run_id: str) -> RunSummary:
    rows = await call.engine.store.find_runs(call.namespace, RunFilter(ids=(run_id,)), None, 1)
    if not rows:
        raise no_such_run(run_id)
    return run_summary(rows[0])


async def show_run_input(call: Call, run_id: str) -> JsonText:
    """The run's input, as its exact text."""
    document = await load_document(call, run_id)
    produced = await call.engine.payloads.fetch([document.run.id], [])
    return JsonText(produced.inputs[document.run.id])


async def list_events(call: Call, run_id: str) -> EventList:
    """What happened to a run, oldest first, each with a sentence."""
    scene = await load_scene(call, run_id)
    recorded = await call.engine.store.events(call.namespace, run_id)
    return EventList(items=events_of(scene, recorded))


async def show_lineage(call: Call, run_id: str) -> Lineage:
    """All runs of the family that this run belongs to."""
    document = await load_document(call, run_id)
    return lineage(document.run.family_id, await _family(call, document.run.family_id))


async def _family(call: Call, family_id: str) -> list[FamilyMember]:
    """Oldest first."""
    wanted = RunFilter(family_ids=(family_id,))
    rows = await call.engine.store.find_runs(call.namespace, wanted, None, MOST_RELATIVES)
    if len(rows) <= 1 and (not rows or rows[0].run.source_id is None):
        return [(row, None) for row in rows]
    replays = {run.id: replay for run, replay in await call.engine.store.family(call.namespace, family_id)}
    return [(row, replays.get(row.run.id)) for row in reversed(rows)]


async def cancel_run(call: Call, run_id: str, body: CancelRequest) -> CancelAnswer:
    """End a run now. Running attempts are told to stop; nothing of them counts any more."""
    command = CancelRun(run_id=run_id_of(run_id), namespace=call.namespace, actor=call.caller.actor, reason=body.reason)
    cancelled = await call.engine.cancel(command)
    answer: Literal["cancelled", "cancel_requested", "already_finished"] = "already_finished"
    if cancelled.changed:
        answer = "cancel_requested" if cancelled.stopping else "cancelled"
    return CancelAnswer(
        id=run_id,
        changed=cancelled.changed,
        was=shown_status(RunStatus(cancelled.was), started=True),
        stopping=cancelled.stopping,
        answer=answer,
    )
