"""Says of each penguin how heavy it is among its own kind, and says so where the row does not tell."""

from __future__ import annotations

from statistics import fmean, stdev

from pydantic import BaseModel

from examples.fixed_bug.penguins import Penguin, all_penguins
from mulligan import Mulligan, after

m = Mulligan()

MISSING = "NA"


class Row(BaseModel):
    number: int
    """1 is the first penguin."""


class Comparison(BaseModel):
    kind: str
    deviations: float | None
    """Standard deviations above (or, negative, below) the mean mass of its kind; none when it was not weighed."""


weighing = m.workflow("penguins", input=Row, doc="Says how heavy a penguin is among its own kind.")


@weighing.step
def fetch(row: Row) -> Penguin:
    return all_penguins()[row.number - 1]


@weighing.step
def compare(penguin: Penguin = after(fetch)) -> Comparison:
    sexes = ("female", "male") if penguin.sex == MISSING else (penguin.sex,)
    kind = penguin.species if penguin.sex == MISSING else f"{penguin.sex} {penguin.species}"
    if penguin.body_mass_g == MISSING:
        return Comparison(kind=kind, deviations=None)
    masses = [
        float(other.body_mass_g)
        for other in all_penguins()
        if other.species == penguin.species and other.sex in sexes and other.body_mass_g != MISSING
    ]
    return Comparison(kind=kind, deviations=(float(penguin.body_mass_g) - fmean(masses)) / stdev(masses))


@weighing.step
def describe(comparison: Comparison = after(compare)) -> str:
    if comparison.deviations is None:
        return f"not weighed, of kind {comparison.kind}"
    if abs(comparison.deviations) < 1:
        return f"as heavy as most of kind {comparison.kind}"
    word = "heavier" if comparison.deviations > 0 else "lighter"
    return f"{word} than most of kind {comparison.kind}"
