"""Shorter words for talking to a store in a test."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from mulligan.core.facts import Changes, Claim, Facts, Wanted
from mulligan.core.query import RunFilter
from mulligan.core.records import OpenStep, Run
from mulligan.ports.store import Store
from mulligan.testing.factories import START, changes, make_open_step, make_version

ANY = RunFilter()


async def commit(
    store: Store, written: Changes, claims: Sequence[Claim] = (), *, now: datetime = START, token: str = "token"
) -> list[OpenStep]:
    async with store.transaction() as transaction:
        return await transaction.commit(written, claims, now, token)


async def load(store: Store, **wanted: Any) -> Facts:
    async with store.transaction() as transaction:
        return await transaction.load(Wanted(**wanted))


async def know(store: Store, *workflows: str, namespace: str = "default") -> None:
    """Register a first version of each workflow; runs need one."""
    versions = [make_version(workflow=workflow, namespace=namespace) for workflow in workflows or ("greet",)]
    await commit(store, changes(versions_added=versions))


async def queue(store: Store, *runs: Run, **step: Any) -> None:
    """Write the runs, each with one open step."""
    await commit(store, changes(*runs, opened=tuple(make_open_step(run, **step) for run in runs)))


def claim(*routes: str, slots: int = 10, worker_id: str = "worker", namespace: str = "default") -> Claim:
    return Claim(worker_id, namespace, frozenset(routes or ("greet/say",)), slots)


async def ids(store: Store, wanted: RunFilter = ANY, namespace: str = "default") -> list[str]:
    return [row.run.id for row in await store.find_runs(namespace, wanted, None, 1_000)]
