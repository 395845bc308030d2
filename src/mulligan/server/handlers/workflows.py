"""Workflows as they are declared, and the workers that run them."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from msgspec import Meta

from mulligan.core.query import RunFilter
from mulligan.core.records import WorkerState
from mulligan.errors import NotFound
from mulligan.server.reading.workflows import worker_detail, workflow_detail, workflow_summary
from mulligan.server.site import Call
from mulligan.wire.rest.codec import Question
from mulligan.wire.rest.workflows import WorkerList, WorkflowDetail, WorkflowList

RECENT = timedelta(hours=24)


class VersionQuery(Question, frozen=True, kw_only=True):
    """``version``: number or digest; by default the latest."""

    version: Annotated[str, Meta(min_length=1, max_length=200)] | None = None


async def list_workflows(call: Call) -> WorkflowList:
    """All workflows that a worker has ever registered, by name."""
    store = call.engine.store
    recent = RunFilter(since_at=call.engine.clock.now() - RECENT)
    counts = await store.count_runs_by_workflow(call.namespace, recent)
    workers = [worker for worker in await store.workers(call.namespace) if worker.state is WorkerState.ACTIVE]
    items = []
    for latest in await store.versions(call.namespace, None):
        name = latest.workflow
        able = sum(1 for worker in workers if name in worker.workflows)
        items.append(workflow_summary(latest, counts.get(name, {}), able))
    return WorkflowList(items=items)


async def show_workflow(call: Call, name: str, query: VersionQuery) -> WorkflowDetail:
    """One version of a workflow: graph, steps, schemas, and the variables that its code was seen to read."""
    if not name.isprintable():
        raise NotFound(f"There is no workflow {name!r}.", code="unknown_workflow")
    version = await call.engine.version_of(call.namespace, name, query.version)
    versions = await call.engine.store.versions(call.namespace, name)
    return workflow_detail(version, versions, await call.engine.store.variables(call.namespace, name))


async def list_workers(call: Call) -> WorkerList:
    """Workers that are connected, and those gone within the last hour."""
    workers = await call.engine.store.workers(call.namespace)
    names = {name for worker in workers for name in worker.workflows}
    numbers = {
        (version.workflow, version.digest): version.number
        for name in sorted(names)
        for version in await call.engine.store.versions(call.namespace, name)
    }
    return WorkerList(items=[worker_detail(worker, numbers) for worker in workers])
