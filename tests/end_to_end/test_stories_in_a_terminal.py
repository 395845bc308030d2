"""`python -m examples.…` as a newcomer starts it: an engine inside the process, and the story told to its end."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.end_to_end.programs import Program
from tests.house.source import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def told(story: str, folder: Path) -> str:
    with Program([sys.executable, "-m", f"examples.{story}"], folder, {"PYTHONPATH": str(ROOT)}) as program:
        assert program.end() == 0, program.output
        assert "Traceback" not in program.output
        return program.output


def test_the_outage(tmp_path: Path) -> None:
    output = told("outage", tmp_path)
    assert output.count(" failed  at index after attempt 4: ") == 8
    assert output.count(" succeeded  parse was kept, ") == 8
    assert "Files were read 8 times in all." in output
    assert "Found in Fog signals: " in output


def test_the_fixed_bug(tmp_path: Path) -> None:
    output = told("fixed_bug", tmp_path)
    assert "Version 1 weighed 333 penguins and failed on 11:" in output
    before, after = output.split("Version 2 is deployed")
    assert before.count("KeyError: (") == 11
    assert after.count(" succeeded ") == 11
    assert "  failed  " not in after


def test_the_tuning(tmp_path: Path) -> None:
    output = told("tuning", tmp_path)
    assert "the teaser has 333 characters, and there is room for 280" in output
    assert output.count(" succeeded  read was kept, ") == 2
    assert output.endswith("What should we mend first?\n> The new timeline is lovely, but I cannot find the logs.\n")


def test_a_story_can_be_told_twice(tmp_path: Path) -> None:
    told("tuning", tmp_path)
    told("tuning", tmp_path)
