"""A transaction is bounded by what it writes, and not only by how many commands it carries out."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from mulligan.core.commands import StartRun
from mulligan.core.facts import Changes, Claim
from mulligan.core.limits import PAYLOAD
from mulligan.core.records import Argument, OpenStep, RunStatus, StepDefinition, WorkflowDefinition
from mulligan.engine.cycle import LARGEST_WRITE

if TYPE_CHECKING:
    from tests.engine.conftest import Desk

FLOW = WorkflowDefinition(name="flow", steps=(StepDefinition(name="call", arguments=(Argument("text", "input"),)),))
LARGE = b'"' + b"x" * (PAYLOAD - 2) + b'"'


async def test_no_transaction_writes_more_than_a_database_takes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.worker(FLOW, {"call": lambda _: LARGE})
    commit, written = desk.store.commit, list[int]()

    def weighing(changes: Changes, claims: list[Claim], now: datetime, token: str) -> list[OpenStep]:
        inputs = sum(len(run_input) for _, run_input in changes.runs_added.values())
        written.append(inputs + sum(len(output or b"") for _, output in changes.attempts_added))
        return commit(changes, claims, now, token)

    monkeypatch.setattr(desk.store, "commit", weighing)
    ids = [desk.engine.chance.new_id() for _ in range(20)]
    starts = [StartRun(run_id=run_id, namespace="default", workflow="flow", input=LARGE) for run_id in ids]
    await asyncio.gather(*(desk.engine.submit(start) for start in starts))
    for run_id in ids:
        assert (await desk.end(run_id)).run.status is RunStatus.SUCCEEDED
    assert sum(written) == 2 * len(ids) * PAYLOAD
    assert max(written) <= LARGEST_WRITE
