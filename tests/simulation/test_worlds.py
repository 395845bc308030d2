"""A few simulated hours in every test run; `make sim` turns as many as there is time for."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import pytest

from mulligan.testing.simulation.engines import EPOCH
from mulligan.testing.simulation.world import World, simulate

SEEDS = (2, 11)
"""Seed 2 has several engines on one disk, which read payloads of each other and forget them; 11 has one."""
TRACES = f"""
from mulligan.testing.simulation.world import World
print(*(World(seed, hours=0.05).run().trace for seed in {SEEDS}))
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(5))
def test_every_promise_holds_whatever_fails(seed: int) -> None:
    report = World(seed, hours=0.4).run()
    assert report.finding is None, f"again: make sim SEEDS={seed} HOURS=0.4\n{report.finding.where}"
    assert report.attempts > 20


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_seed_is_one_history() -> None:
    """Also for another order of sets: else a failure could not be shown again."""
    one, another, here = traces("1"), traces("2"), [World(seed, hours=0.05).run().trace for seed in SEEDS]
    assert one == another == here


def traces(hash_seed: str) -> list[str]:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    there = subprocess.run([sys.executable, "-c", TRACES], env=environment, capture_output=True, text=True, check=True)
    return there.stdout.split()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_seed_is_the_same_history_on_postgres(postgres_server: str) -> None:
    """Three engines on one database: each of its answers is what the memory store, the specification, would say."""
    there, here = simulate(2, hours=0.005, server=postgres_server), simulate(2, hours=0.005)
    assert there.finding is None, there.finding.where
    assert there.trace == here.trace
    assert there.commits > 50


def test_nothing_depends_on_the_date() -> None:
    """S24: the same world ten years later has the same history, leap days included."""
    assert World(12, hours=0.1, epoch=EPOCH + timedelta(days=3653)).run().trace == World(12, hours=0.1).run().trace
