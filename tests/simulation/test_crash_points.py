"""Every commit of sixteen small scenes, with every fate that a commit can meet: complete, not drawn.

A scene is played once to count its commits, then once for each commit and fate; at the end the database is read back.
On SQLite and PostgreSQL, which take longer, `make crash-points` plays them all; else each scene meets three fates.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path

import pytest

from mulligan.ports.store import Store
from mulligan.stores.sqlite import SqliteStore
from mulligan.testing.simulation.disk import Fate, memory_disk
from mulligan.testing.simulation.postgres import PostgresDisk
from mulligan.testing.simulation.scenarios import SCENARIOS
from mulligan.testing.simulation.scene import Scenario, Scene

OpenStore = Callable[[], Store]
FATES = [Fate.REFUSED, Fate.REPLY_LOST, Fate.CRASH_BEFORE, Fate.CRASH_AFTER]
FATES_THERE = [*FATES, Fate.LATE]
"""With a server that has a life of its own."""
PARTS = 2  # of a story: early and late
IS_COMPLETE = os.environ.get("MULLIGAN_TEST_CRASH_POINTS") == "all"


@pytest.fixture
def sqlite_disks(tmp_path: Path) -> Iterator[OpenStore]:
    """An empty database for each scene, that can be opened again."""
    return (sqlite_disk(tmp_path / f"{number}.db") for number in count())


def sqlite_disk(path: Path) -> OpenStore:
    return lambda: SqliteStore(path)


@pytest.fixture
def postgres_disks(postgres_database: str, empty_postgres: Callable[[], None]) -> Iterator[Iterator[OpenStore]]:
    disk = PostgresDisk(postgres_database)

    def emptied() -> OpenStore:
        disk.kill_all()
        empty_postgres()
        return disk.open_store

    yield (emptied() for _ in count())
    disk.close()


def play_all(scenario: Scenario, disks: Iterator[OpenStore], fates: Sequence[Fate], *, complete: bool) -> None:
    """The scene with every fate at every commit; else, from scene to scene, other fates early and late."""
    commits = Scene(scenario, next(disks)).play()
    assert commits >= 3
    accidents = [(number, fate) for number in range(1, commits + 1) for fate in fates]
    if not complete:
        first = SCENARIOS.index(scenario)
        accidents = [
            (1 + (first + part * commits // PARTS) % commits, fates[(first + part) % len(fates)])
            for part in range(PARTS)
        ]
    for number, fate in accidents:
        play(scenario, next(disks), number, fate)


def play(scenario: Scenario, disk: OpenStore, number: int, fate: Fate) -> None:
    scene = Scene(scenario, disk, {number: fate})
    try:
        scene.play()
    except AssertionError as error:
        error.add_note(f"{scenario.name}: commit {number}: {fate}")
        raise
    crashes = fate in (Fate.CRASH_BEFORE, Fate.CRASH_AFTER)
    assert scene.engine.boots == 1 + crashes, "the fate has not struck"


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_story_ends_well_whatever_happens_to_one_commit(scenario: Scenario) -> None:
    play_all(scenario, (memory_disk() for _ in count()), FATES, complete=True)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_story_ends_well_on_sqlite(scenario: Scenario, sqlite_disks: Iterator[OpenStore]) -> None:
    play_all(scenario, sqlite_disks, FATES, complete=IS_COMPLETE)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_story_ends_well_on_postgres(scenario: Scenario, postgres_disks: Iterator[OpenStore]) -> None:
    play_all(scenario, postgres_disks, FATES_THERE, complete=IS_COMPLETE)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_story_ends_well_when_the_engine_dies_again_while_it_recovers(scenario: Scenario) -> None:
    commits = Scene(scenario, memory_disk()).play()
    for first in range(1, commits + 1):
        for second in range(first + 1, first + 4):
            Scene(scenario, memory_disk(), {first: Fate.CRASH_AFTER, second: Fate.CRASH_AFTER}).play()
            Scene(scenario, memory_disk(), {first: Fate.CRASH_AFTER, second: Fate.CRASH_BEFORE}).play()
