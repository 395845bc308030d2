"""`make chaos SIZE=quick`: every fault once, on real processes, and an auditor that finds nothing."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.house.source import ROOT

LIMIT_S = 280


@pytest.mark.slow
@pytest.mark.timeout(LIMIT_S + 20)
def test_nothing_is_lost_whatever_is_killed_stopped_cut_or_full() -> None:
    command = [sys.executable, "-m", "chaos", "--size", "quick", "-o", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode in (0, 1), done.stderr
    (world,) = json.loads(done.stdout)
    assert {verdict: found for verdict, found in world["findings"].items() if found} == {}, done.stderr
    assert done.returncode == 0
    assert world["cycles"] >= 13
    assert world["kills"] >= 6, "too little was killed to show anything"
    assert world["runs"] >= 50, "too little ran to show anything"
