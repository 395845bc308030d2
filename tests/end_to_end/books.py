"""What lies outside the engine, what the database says, and whether the two agree after everything has ended."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.end_to_end.disk import reading
from tests.end_to_end.programs import PATIENCE_S
from tests.house.source import ROOT

READS = {"begin": [], "left": ["begin"], "right": ["begin"], "end": ["left", "right"]}
"""Whose results each step of the story is given, in this order."""
SLEEP = "sleep_100ms"
MOST_LOSSES = 3

RUNS = "SELECT id, status, source_id, parent_id, workflow, idempotency_key FROM runs"
ATTEMPTS = "SELECT run_id, step, number, outcome, output FROM attempts"


def wait_until(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < limit, "it never came to that"
        threading.Event().wait(0.005)


class Effect(NamedTuple):
    """What a step left in the world outside, once per time that its code was called."""

    run: str
    step: str
    attempt: int
    word: str
    saw: list[str]


class World:
    """What lies outside the engine and survives every kill: the effects of steps, and what somebody was told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / ".mulligan" / "mulligan.db"
        self.ledger = folder / "ledger"
        self.ledger.touch()
        self._effects = folder / "effects"
        self._effects.touch()
        self.environment = {
            "PYTHONPATH": str(ROOT),
            "EFFECTS": str(self._effects),
            "LEDGER": str(self.ledger),
            "MULLIGAN_TTL": "2s",
        }

    def effects(self) -> list[Effect]:
        return [Effect(**json.loads(line)) for line in self._effects.read_text().splitlines()]

    def wait_for(self, effects: int) -> None:
        """Return when so many more things have happened."""
        goal = self._happened() + effects
        wait_until(lambda: self._happened() >= goal)

    def _happened(self) -> int:
        return self._effects.read_bytes().count(b"\n")


# ── What has to be true afterwards ───────────────────────────────────────────────────────────────────────────────────


class Books:
    """The database, after everything has ended, against the world outside."""

    def __init__(
        self,
        runs: Iterable[Mapping[str, Any]],
        attempts: Iterable[tuple[str, str, int, str, bytes | None]],
        effects: list[Effect],
    ) -> None:
        rows = list(runs)
        self.attempts = list(attempts)
        self.status = {row["id"]: row["status"] for row in rows}
        self.source = {row["id"]: row["source_id"] for row in rows}
        self.parent = {row["id"]: row["parent_id"] for row in rows}
        self.workflow = {row["id"]: row["workflow"] for row in rows}
        self.keys = [row["idempotency_key"] for row in rows if row["workflow"] == "story" and row["source_id"] is None]
        self.effects = effects
        self.results = {
            (run, step): json.loads(output)
            for run, step, _, outcome, output in self.attempts
            if outcome == "succeeded" and output is not None
        }

    @classmethod
    def of_file(cls, world: World) -> Books:
        """From the SQLite file in the world's folder."""
        with reading(world.database) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert connection.execute("SELECT count(*) FROM open_steps").fetchone() == (0,), "something never ended"
            attempts = connection.execute(ATTEMPTS).fetchall()
            connection.row_factory = sqlite3.Row
            return cls(connection.execute(RUNS).fetchall(), attempts, world.effects())

    def result(self, run: str, step: str) -> str:
        """The one that counts for a run: its own, or the one it has kept."""
        while (run, step) not in self.results:
            run = self.source[run]
        return str(self.results[run, step])

    def check(self) -> None:
        failed = {run for run, status in self.status.items() if status != "succeeded"}
        assert [run for run in failed if not self._was_given_up(run)] == [], "it failed, and no kill is to blame"
        self._attempts_are_numbered_and_one_counts()
        called = Counter((effect.run, effect.step, effect.attempt) for effect in self.effects)
        assert [call for call, times in called.items() if times > 1] == [], "an attempt was made twice"
        words = {(effect.run, effect.step, effect.attempt): effect.word for effect in self.effects}
        for run, step, number, outcome, _ in self.attempts:
            if outcome == "succeeded" and step != SLEEP:
                assert self.results[run, step] == words[run, step, number], "the result is not of its attempt"
        for effect in self.effects:
            if self.workflow[effect.run] == "story":
                given = [self.result(effect.run, step) for step in READS[effect.step]]
                assert effect.saw == given, "a step was given something else than the result that counts"

    def _attempts_are_numbered_and_one_counts(self) -> None:
        numbers: dict[tuple[str, str], list[int]] = {}
        for run, step, number, _, _ in sorted(self.attempts):
            numbers.setdefault((run, step), []).append(number)
        assert all(found == list(range(1, len(found) + 1)) for found in numbers.values())
        applied = Counter((run, step) for run, step, _, outcome, _ in self.attempts if outcome == "succeeded")
        assert set(applied.values()) == {1}, "two attempts of one step count"
        without_result = {run for run, _ in numbers.keys() - applied.keys()}
        assert {run for run in without_result if self.status[run] == "succeeded"} == set()

    def _was_given_up(self, run: str) -> bool:
        """A step that loses its worker for the fourth time is not tried again: that is promised, too."""
        losses = Counter(step for each, step, _, outcome, _ in self.attempts if (each, outcome) == (run, "lost"))
        children = [child for child, parent in self.parent.items() if parent == run]
        return max(losses.values(), default=0) > MOST_LOSSES or any(map(self._was_given_up, children))
