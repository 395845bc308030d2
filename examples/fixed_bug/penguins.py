"""The rows of the penguin data, as text: what a column holds is for the workflow to decide."""

from __future__ import annotations

import csv
from functools import cache

from pydantic import BaseModel

from examples.places import DATA


class Penguin(BaseModel):
    species: str
    island: str
    bill_length_mm: str
    bill_depth_mm: str
    flipper_length_mm: str
    body_mass_g: str
    sex: str
    year: str


@cache
def all_penguins() -> tuple[Penguin, ...]:
    with (DATA / "penguins.csv").open(encoding="utf-8", newline="") as file:
        return tuple(Penguin.model_validate(row) for row in csv.DictReader(file))
