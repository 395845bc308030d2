"""What waits for workers, and what people keep beside runs: views, presets, pins, drafts."""

from __future__ import annotations

from functools import partial

import msgspec

from mulligan.core.commands import DropDocument, KeepDocument
from mulligan.core.inputs import check_steps
from mulligan.core.limits import MIB
from mulligan.core.records import Document, DocumentKind, OpenState, Overrides, QueueDepth, WorkerState
from mulligan.engine.api import check_values, schemas_seen
from mulligan.errors import InvalidInput, NotFound, Problem
from mulligan.server.reading.crew import Crew
from mulligan.server.reading.payloads import given, given_overrides, shown, shown_overrides
from mulligan.server.site import Call
from mulligan.wire.rest.codec import JsonText, Name
from mulligan.wire.rest.codec import Overrides as GivenOverrides
from mulligan.wire.rest.queues import DocumentList, KeepRequest, KeptDocument, Queue, QueueList

MOST_DOCUMENTS = 1_000
"""Of one kind in one namespace."""

MOST_BYTES = {kind: (64 if kind is DocumentKind.DRAFT else 8) * MIB for kind in DocumentKind}
"""Of all documents of a kind together. Lists hold them whole; but nobody lists drafts, which may be large."""

_KEY = msgspec.json.Decoder(Name)
_OVERRIDES = msgspec.json.Decoder(GivenOverrides)
_STORED_OVERRIDES = msgspec.json.Decoder(Overrides)


# ── Queues ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def list_queues(call: Call) -> QueueList:
    """Steps that wait or run, by route; those that wait longest for a worker first."""
    store = call.engine.store
    depths = await store.queue_depths(call.namespace)
    versions = [
        version
        for workflow in sorted({depth.workflow for depth in depths})
        for version in await store.versions(call.namespace, workflow)
    ]
    crew = Crew(await store.workers(call.namespace), versions)
    by_route: dict[str, list[QueueDepth]] = {}
    for depth in depths:
        by_route.setdefault(depth.route, []).append(depth)
    queues = [_queue(call, route, states, crew) for route, states in by_route.items()]
    return QueueList(items=sorted(queues, key=lambda queue: (-queue.ready, queue.oldest_at, queue.route)))


def _queue(call: Call, route: str, depths: list[QueueDepth], crew: Crew) -> Queue:
    counts = {depth.state: depth.count for depth in depths}
    workflow, step = depths[0].workflow, depths[0].step
    ready = next((depth for depth in depths if depth.state is OpenState.READY), None)
    waiting = None
    if ready is not None:
        waited = call.engine.clock.now() - ready.oldest_at
        waiting = crew.why_ready_waits(workflow, route, f"{workflow} with a step {step} that fits", waited)
    able = [worker.name for worker in crew.able(workflow, route) if worker.state is WorkerState.ACTIVE]
    return Queue(
        workflow=workflow,
        step=step,
        route=route,
        ready=counts.get(OpenState.READY, 0),
        running=counts.get(OpenState.LEASED, 0),
        retrying=counts.get(OpenState.RETRYING, 0),
        sleeping=counts.get(OpenState.SLEEPING, 0),
        oldest_at=min(depth.oldest_at for depth in depths),
        workers=sorted(able),
        waiting=waiting,
    )


# ── Documents ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def list_documents(call: Call, kind: str) -> DocumentList:
    """All that is kept of one kind: view, preset, pin or draft."""
    documents = await call.engine.store.documents(call.namespace, _kind(kind))
    return DocumentList(items=[_shape(document) for document in documents])


async def show_document(call: Call, kind: str, key: str) -> KeptDocument:
    """What is kept under a name."""
    document = await call.engine.store.document(call.namespace, _kind(kind), _checked_key(key))
    if document is None:
        raise NotFound(f"There is no {kind} {key!r}. It may have been removed.")
    return _shape(document)


async def keep_document(call: Call, kind: str, key: str, body: KeepRequest) -> KeptDocument:
    """Keep something under a name, in place of what was there. A pin's values must fit what the code reads."""
    chosen, key = _kind(kind), _checked_key(key)
    value = given(body.value, "value").decode()
    if chosen is DocumentKind.PIN:
        value = msgspec.json.encode(await _checked_pin(call, key, body.value)).decode()
    document = Document(
        namespace=call.namespace,
        kind=chosen,
        key=key,
        value=value,
        at=call.engine.clock.now(),
        by=call.caller.actor,
    )
    await _make_room(call, document)
    kept: Document = await call.engine.submit(KeepDocument(document=document))
    return _shape(kept)


async def _make_room(call: Call, document: Document) -> None:
    """Drafts are links in chats, which nobody tidies up: the oldest give way. Of all other kinds there are enough."""
    store, namespace, kind = call.engine.store, document.namespace, document.kind
    known = await store.document(namespace, kind, document.key)
    may_displace = kind is DocumentKind.DRAFT and size_of(document) <= MOST_BYTES[kind]
    while True:
        count, size = await store.documents_size(namespace, kind)
        if known is not None:
            count, size = count - 1, size - size_of(known)
        if count < MOST_DOCUMENTS and size + size_of(document) <= MOST_BYTES[kind]:
            return
        oldest = await store.oldest_document(namespace, kind) if may_displace else None
        if oldest is None:
            raise InvalidInput(
                f"There are {count:,} others of this kind, of {size:,} bytes together; the most is "
                f"{MOST_DOCUMENTS:,}, of {MOST_BYTES[kind]:,} bytes. Remove some first."
            )
        await call.engine.submit(DropDocument(namespace=namespace, kind=kind, key=oldest))
        if oldest == document.key:
            known = None


def size_of(document: Document) -> int:
    return len(msgspec.json.encode(document))


async def drop_document(call: Call, kind: str, key: str) -> None:
    """Forget what is kept under a name."""
    if not await call.engine.submit(DropDocument(namespace=call.namespace, kind=_kind(kind), key=_checked_key(key))):
        raise NotFound(f"There is no {kind} {key!r}.")


def _kind(text: str) -> DocumentKind:
    try:
        return DocumentKind(text)
    except ValueError:
        raise NotFound(f"There is no kind {text!r} of documents; there are {', '.join(DocumentKind)}.") from None


def _checked_key(key: str) -> str:
    try:
        return _KEY.decode(msgspec.json.encode(key))
    except msgspec.ValidationError as error:
        raise InvalidInput(f"The key does not fit: {error}.", problems=(Problem("", str(error), "key"),)) from None


def _shape(document: Document) -> KeptDocument:
    value = shown(document.value)
    if document.kind is DocumentKind.PIN:
        value = shown(msgspec.json.encode(shown_overrides(_STORED_OVERRIDES.decode(document.value))))
    return KeptDocument(kind=document.kind.value, key=document.key, value=value, at=document.at, by=document.by)


async def _checked_pin(call: Call, workflow: str, value: JsonText) -> Overrides:
    """Overrides for every new run of a workflow: by step (or ``*``) and variable, of the types that its code reads."""
    definition = (await call.engine.version_of(call.namespace, workflow)).definition
    try:
        overrides = given_overrides(_OVERRIDES.decode(value))
    except msgspec.ValidationError as error:
        rule = f"a pin is an object of steps (or *), each an object of variables: {error}"
        raise InvalidInput(f"The pin does not fit: {rule}.", problems=(Problem("/value", rule, "pin"),)) from None
    check_steps(overrides, definition)
    seen = await call.engine.store.variables(call.namespace, workflow)
    for unread in check_values(overrides, partial(schemas_seen, seen)):
        raise InvalidInput(f"The pin does not fit: {unread} Run it once, so that its variables are known.")
    return overrides
