"""Every commit of sixteen small scenes, with every fate that a commit can meet: complete, not drawn.

A scene is played once to count its commits, then once for each commit and fate; at the end the database is read back.
On PostgreSQL, which takes thirty times as long, `make crash-points` plays them all; else each scene meets three fates.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
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
PARTS = 3  # of a story: its beginning, its middle and its end
IS_COMPLETE = os.environ.get("MULLIGAN_TEST_CRASH_POINTS") == "all"


@pytest.fixture(params=["memory", "sqlite"])
def disks(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenStore]:
    """An empty database for each scene, that can be opened again."""
    if request.param == "memory":
        return (memory_disk() for _ in count())
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
def test_the_story_ends_well_whatever_happens_to_one_commit(scenario: Scenario, disks: Iterator[OpenStore]) -> None:
    commits = Scene(scenario, next(disks)).play()
    assert commits >= 3
    for number in range(1, commits + 1):
        for fate in FATES:
            play(scenario, next(disks), number, fate)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_story_ends_well_on_postgres(scenario: Scenario, postgres_disks: Iterator[OpenStore]) -> None:
    commits = Scene(scenario, next(postgres_disks)).play()
    assert commits >= 3
    struck = [(number, fate) for number in range(1, commits + 1) for fate in FATES_THERE]
    if not IS_COMPLETE:
        # From scene to scene other fates at other commits, in each scene early, amid it and late.
        first = SCENARIOS.index(scenario)
        struck = [
            (1 + (first + part * commits // PARTS) % commits, FATES_THERE[(first + part) % len(FATES_THERE)])
            for part in range(PARTS)
        ]
    for number, fate in struck:
        play(scenario, next(postgres_disks), number, fate)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_story_ends_well_when_the_engine_dies_again_while_it_recovers(scenario: Scenario) -> None:
    commits = Scene(scenario, memory_disk()).play()
    for first in range(1, commits + 1):
        for second in range(first + 1, first + 4):
            Scene(scenario, memory_disk(), {first: Fate.CRASH_AFTER, second: Fate.CRASH_AFTER}).play()
            Scene(scenario, memory_disk(), {first: Fate.CRASH_AFTER, second: Fate.CRASH_BEFORE}).play()
