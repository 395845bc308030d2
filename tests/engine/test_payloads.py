"""The cache of payloads takes the memory that it says it takes, and does not fill it with what nobody needs."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import pytest

from mulligan.core.records import StepDefinition, WorkflowDefinition
from mulligan.engine import payloads
from mulligan.engine.payloads import Payloads
from mulligan.stores.memory import MemoryStore
from mulligan.testing.clock import SeededChance, settle

if TYPE_CHECKING:
    from tests.engine.conftest import Desk


def test_small_payloads_take_no_more_memory_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payloads, "MOST_BYTES", 2_000_000)
    cache, chance = Payloads(MemoryStore()), SeededChance()
    run_id = ""
    tracemalloc.start()
    try:
        for _ in range(10_000):
            run_id = chance.new_id()
            cache.remember(run_id, b"%100d" % 1)
            cache.remember((run_id, "step", 1), b"%100d" % 2)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert cache.known((run_id, "step", 1)) is not None
    assert 1_000_000 < taken <= 2_200_000


async def test_only_the_latest_of_runs_that_have_ended_are_kept(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payloads, "MOST_ENDED", 1)
    await desk.worker(WorkflowDefinition(name="flow", steps=(StepDefinition(name="call"),)), {"call": lambda _: b"1"})
    first, last = await desk.start("flow"), await desk.start("flow")
    await settle()
    known = desk.engine.payloads.known
    assert (known(first), known((first, "call", 1))) == (None, None)
    assert (known(last), known((last, "call", 1))) == (b"{}", b"1")
    assert (await desk.end(first)).outputs == {"call": b"1"}
