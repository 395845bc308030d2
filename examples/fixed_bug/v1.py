"""Says of each penguin how heavy it is among its own kind. Stumbles over the eleven rows that have no sex."""

from __future__ import annotations

from statistics import fmean, stdev

from pydantic import BaseModel

from examples.fixed_bug.penguins import Penguin, all_penguins
from mulligan import Mulligan, after

m = Mulligan()


class Row(BaseModel):
    number: int
    """1 is the first penguin."""


class Comparison(BaseModel):
    kind: str
    deviations: float
    """Standard deviations above (or, negative, below) the mean mass of its kind."""


weighing = m.workflow("penguins", input=Row, doc="Says how heavy a penguin is among its own kind.")


@weighing.step
def fetch(row: Row) -> Penguin:
    return all_penguins()[row.number - 1]


@weighing.step
def compare(penguin: Penguin = after(fetch)) -> Comparison:
    masses = {
        (species, sex): [
            float(other.body_mass_g) for other in all_penguins() if (other.species, other.sex) == (species, sex)
        ]
        for species in ("Adelie", "Chinstrap", "Gentoo")
        for sex in ("female", "male")
    }
    kind = masses[penguin.species, penguin.sex]
    return Comparison(
        kind=f"{penguin.sex} {penguin.species}",
        deviations=(float(penguin.body_mass_g) - fmean(kind)) / stdev(kind),
    )


@weighing.step
def describe(comparison: Comparison = after(compare)) -> str:
    if abs(comparison.deviations) < 1:
        return f"as heavy as most of kind {comparison.kind}"
    word = "heavier" if comparison.deviations > 0 else "lighter"
    return f"{word} than most of kind {comparison.kind}"
