"""Hunting a mutant: seed after seed in a process of its own, until a promise is seen broken."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

from tests.zoo.cage import ROOT, lock_up
from tests.zoo.mutants import MUTANTS


@dataclass(frozen=True, slots=True)
class Catch:
    """``seeds``: how many worlds it took. ``rule``: the promise that was broken first."""

    seeds: int
    rule: str
    message: str


def hunt(name: str, *, seeds: int, hours: float) -> Catch | None:
    """None if it survives."""
    told = subprocess.run(
        [sys.executable, "-m", "tests.zoo.hunt", name, str(seeds), str(hours)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if told.returncode != 0:
        raise RuntimeError(f"hunting {name}: {told.stderr[-2000:]}")
    found = json.loads(told.stdout.splitlines()[-1])
    return None if found is None else Catch(**found)


def worlds(name: str, seeds: int, hours: float) -> dict[str, object] | None:
    (mutant,) = (each for each in MUTANTS if each.name == name)
    lock_up(mutant)
    # only now: the package has to be imported with the mutant in it
    from mulligan.testing.simulation.world import simulate

    for seed in range(seeds):
        finding = simulate(seed, hours=hours).finding
        if finding is not None:
            return {"seeds": seed + 1, "rule": finding.rule, "message": finding.message[:300]}
    return None


if __name__ == "__main__":
    json.dump(worlds(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])), sys.stdout)
    sys.stdout.write("\n")
