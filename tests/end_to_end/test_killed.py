"""`kill -9` of a program with its engine inside: every run ends, nothing acknowledged is lost, no result counts twice.

Servers, workers and clients as processes of their own are killed in `tests/chaos`.
"""

from __future__ import annotations

import random
import signal
import sys
import threading
from pathlib import Path

import pytest

from tests.end_to_end.books import Books, World
from tests.end_to_end.programs import Program

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

STORY = Path(__file__).with_name("story_to_kill.py")


def test_a_program_with_its_engine_inside_is_killed_again_and_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    moments = random.Random(20261122)
    program = [sys.executable, str(STORY), "15"]
    for _ in range(5):
        with Program(program, tmp_path, world.environment) as running:
            world.wait_for(moments.randint(3, 12))
            # anywhere between two effects, as in the middle of a commit
            threading.Event().wait(moments.uniform(0, 0.03))
            running.send(signal.SIGKILL)
            assert running.end() == -signal.SIGKILL, running.output
    with Program(program, tmp_path, world.environment) as running:
        assert running.end() == 0, running.output
        assert "Traceback" not in running.output

    books = Books.of_file(world)
    books.check()
    accepted = world.ledger.read_text().split()
    assert len(accepted) == 15
    assert {run for run, workflow in books.workflow.items() if workflow == "story"} == set(accepted)
    assert any(outcome == "lost" for *_, outcome, _ in books.attempts), "no kill hit a running step: nothing was shown"
