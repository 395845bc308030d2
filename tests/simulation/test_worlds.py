"""A few simulated hours in every test run; `make sim` turns as many as there is time for."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import pytest

from mulligan.testing.simulation.engines import EPOCH
from mulligan.testing.simulation.world import World

TRACES = "from mulligan.testing.simulation.world import World; print(World({seed}, hours=0.1).run().trace)"


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(10))
def test_every_promise_holds_whatever_fails(seed: int) -> None:
    report = World(seed, hours=0.4).run()
    assert report.finding is None, f"again: make sim SEEDS={seed} HOURS=0.4\n{report.finding.where}"
    assert report.attempts > 20


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_a_seed_is_one_history(hash_seed: str) -> None:
    """Also for another order of sets: else a failure could not be shown again."""
    here = World(11, hours=0.1).run()
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    there = subprocess.run(
        [sys.executable, "-c", TRACES.format(seed=11)], env=environment, capture_output=True, text=True, check=True
    )
    assert there.stdout.strip() == here.trace


def test_nothing_depends_on_the_date() -> None:
    """S24: the same world ten years later has the same history, leap days included."""
    assert World(12, hours=0.1, epoch=EPOCH + timedelta(days=3653)).run().trace == World(12, hours=0.1).run().trace
