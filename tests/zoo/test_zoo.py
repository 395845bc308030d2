"""The zoo is kept in good health: every mutant still fits our source, and a few are hunted in every test run.

`make zoo` hunts them all and writes the table in the docs.
"""

from __future__ import annotations

import ast

import pytest

from tests.zoo.cage import mutated, source_of
from tests.zoo.hunt import hunt
from tests.zoo.mutants import MUTANTS, Mutant

QUICK = ("dropped-fence", "ack-before-commit", "join-waits-for-one", "kept-step-run-again")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_mutant_fits_the_source(mutant: Mutant) -> None:
    for module in {edit.module for edit in mutant.edits}:
        source = source_of(module)
        changed = mutated(source, [edit for edit in mutant.edits if edit.module == module])
        assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(source))


def test_names_are_given_once() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 30


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", QUICK)
def test_the_simulation_kills_it(name: str) -> None:
    caught = hunt(name, seeds=30, hours=0.2)
    assert caught is not None, f"{name} survived 30 seeds"
