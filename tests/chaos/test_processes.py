"""Processes of the rig: they end when they are to, what ends by itself is noticed, and none outlives the driver."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chaos.processes import EndedByItself, Process
from tests.house.source import ROOT

WAITS = "import signal; print('ready', flush=True); signal.pause()"
SAYS_IT_ONCE = """
from pathlib import Path
before = Path("before")
print("again" if before.exists() else "ready")
before.touch()
"""
DRIVER = f"""
import sys
from pathlib import Path
from chaos.processes import Process
child = Process("child", [sys.executable, "-c", {WAITS!r}], Path(sys.argv[1]), {{}})
child.start()
while not child.has_said("ready"):
    child.check()
print(child.pid, flush=True)
sys.stdin.read()
"""


def process(folder: Path, code: str) -> Process:
    made = Process("one", [sys.executable, "-c", code], folder, {})
    made.start()
    return made


def test_a_killed_process_is_gone_and_can_be_started_again(tmp_path: Path) -> None:
    one = process(tmp_path, WAITS)
    one.kill()
    assert not one.alive
    one.start()
    one.check()
    one.bury()


def test_what_ends_by_itself_is_told_with_its_last_words(tmp_path: Path) -> None:
    one = process(tmp_path, "print('I cannot go on'); raise SystemExit(3)")
    with pytest.raises(EndedByItself, match=r"(?s)code 3.*I cannot go on"):
        one.left()
    with pytest.raises(EndedByItself, match="ended by itself with code 3"):
        one.send(signal.SIGTERM)


def test_what_was_said_before_a_restart_does_not_count(tmp_path: Path) -> None:
    one = process(tmp_path, SAYS_IT_ONCE)
    one.left()
    assert one.has_said("ready")
    one.start()
    one.left()
    assert one.has_said("again")
    assert not one.has_said("ready")


def test_nothing_outlives_a_driver_that_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as driver:
        assert driver.stdout is not None
        pid = int(driver.stdout.readline())
        assert Path(f"/proc/{pid}").exists()
        driver.kill()
    status = Path(f"/proc/{pid}/status")
    while status.exists() and "State:\tZ" not in status.read_text():
        pass  # the kernel kills it in the moment in which it reaps the driver
