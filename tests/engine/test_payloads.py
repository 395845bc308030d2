"""The cache of payloads takes the memory that it says it takes."""

from __future__ import annotations

import tracemalloc

import pytest

from mulligan.engine import payloads
from mulligan.engine.payloads import Payloads
from mulligan.stores.memory import MemoryStore
from mulligan.testing.clock import SeededChance


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
