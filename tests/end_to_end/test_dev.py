"""`mulligan dev` as a developer meets it: one process, a link to click, code that is read again, a clean end."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tests.end_to_end.programs import Program, call, mulligan

APP = """
import pathlib, time
from mulligan import Context, Mulligan

m = Mulligan()

@m.task
async def version() -> int:
    return 1

@m.task
def slow(ctx: Context) -> str:
    pathlib.Path("started").touch()
    while not pathlib.Path("go").exists():
        time.sleep(0.01)
    return "old code"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(APP)
    return tmp_path


def start_dev(folder: Path, *options: str) -> Program:
    return Program(mulligan("dev", "app.py:m", "--port", "0", *options), folder)


def output_of(folder: Path, workflow: str) -> object:
    done = call(folder, "run", workflow, "--wait")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def save(folder: Path, old: str, new: str) -> None:
    file = folder / "app.py"
    content = file.read_text()
    assert old in content
    file.write_text(content.replace(old, new))


def test_the_link_that_is_printed_lets_its_owner_in_and_nobody_else(folder: Path) -> None:
    with start_dev(folder) as dev:
        found = dev.wait_for(r"(http://127\.0\.0\.1:\d+)/#token=(mlg_\w+)")
        url, token = found[1], found[2]
        request = urllib.request.Request(f"{url}/api/v1/info", headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request) as answer:
            assert json.load(answer)["mode"] == "dev"
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"{url}/api/v1/info")


def test_what_it_suggests_to_try_works_as_it_is_written(folder: Path) -> None:
    with start_dev(folder) as dev:
        command = dev.wait_for(r"try +mulligan (.+)")[1]
        dev.wait_for("is connected")
        done = call(folder, *command.split())
        assert (done.returncode, done.stdout) == (0, "1\n")


def test_the_data_folder_is_private_and_forgets_the_address_at_the_end(folder: Path) -> None:
    with start_dev(folder) as dev:
        dev.wait_for("is connected")
        data = folder / ".mulligan"
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (data, data / "token", data / "mulligan.db")}
        assert modes == {".mulligan": 0o700, "token": 0o600, "mulligan.db": 0o600}
        assert json.loads((data / "server.json").read_text())["pid"] == dev.pid
        dev.send(signal.SIGINT)
        assert dev.end() == 0
        assert not (data / "server.json").exists()


def test_runs_that_end_are_told_with_reason_and_link(folder: Path) -> None:
    save(folder, "    return 1", "    return 1\n\n@m.task\ndef fails() -> None:\n    raise ValueError('on purpose')")
    with start_dev(folder) as dev:
        url = dev.wait_for(r"(http://\S+)/#token")[1]
        dev.wait_for("is connected")
        call(folder, "run", "version", "--wait")
        assert dev.wait_for(r"✓ version succeeded after \S+ +(\S+)")[1].startswith(f"{url}/runs/")
        call(folder, "run", "fails", "--wait")
        dev.wait_for(r"✗ fails failed after .*\n +fails: ValueError: on purpose")


def test_saved_code_is_what_runs_next(folder: Path) -> None:
    with start_dev(folder) as dev:
        dev.wait_for("is connected")
        assert output_of(folder, "version") == 1
        save(folder, "return 1", "return 2")
        dev.wait_for("reloaded app:m")
        dev.wait_for("is connected, with .*version version 2")
        assert output_of(folder, "version") == 2


def test_an_edit_that_is_undone_is_undone_for_replays_too(folder: Path) -> None:
    with start_dev(folder) as dev:
        dev.wait_for("is connected")
        run = call(folder, "run", "version").stdout.strip()
        save(folder, "return 1", "return 2")
        dev.wait_for("is connected, with .*version version 2")
        save(folder, "return 2", "return 1")
        dev.wait_for("is connected, with .*version version 1")
        assert output_of(folder, "version") == 1
        again = call(folder, "replay", run, "--from-beginning", "--reason", "again", "--yes", "--wait")
        assert (again.returncode, again.stdout.strip()) == (0, "1"), again.stderr


def test_a_step_that_runs_while_the_code_changes_finishes_on_the_code_it_began_with(folder: Path) -> None:
    with start_dev(folder) as dev:
        dev.wait_for("is connected")
        run_id = call(folder, "run", "slow").stdout.strip()
        with Program(mulligan("runs", "logs", "-f", run_id), folder) as following:
            wait_until_exists(folder / "started")
            save(folder, "old code", "new code")
            dev.wait_for("reloaded app:m")
            (folder / "go").touch()
            assert following.end() == 0
        detail = json.loads(call(folder, "runs", "show", run_id, "-o", "json").stdout)
        assert (detail["status"], detail["output"], detail["steps"][0]["attempts"]) == ("succeeded", "old code", 1)
        assert output_of(folder, "slow") == "new code"


def test_a_syntax_error_is_shown_and_the_old_code_goes_on_until_it_is_mended(folder: Path) -> None:
    with start_dev(folder) as dev:
        dev.wait_for("is connected")
        save(folder, "return 1", "return 1 +")
        dev.wait_for("SyntaxError")
        dev.wait_for(r"File \".*app\.py\", line 9")
        dev.wait_for("the code of before goes on")
        assert output_of(folder, "version") == 1
        save(folder, "return 1 +", "return 1 + 2")
        dev.wait_for("is connected, with .*version version 2")
        assert output_of(folder, "version") == 3
        assert "Traceback" not in dev.output


def test_code_that_is_broken_from_the_start_is_waited_for(folder: Path) -> None:
    save(folder, "import pathlib", "import no_such_library, pathlib")
    with start_dev(folder) as dev:
        dev.wait_for("no_such_library")
        dev.wait_for("waiting for the file to be saved")
        save(folder, "no_such_library, ", "")
        dev.wait_for("is connected")
        assert output_of(folder, "version") == 1


def test_the_first_interrupt_lets_running_steps_finish(folder: Path) -> None:
    with start_dev(folder) as dev:
        dev.wait_for("is connected")
        run_id = call(folder, "run", "slow").stdout.strip()
        wait_until_exists(folder / "started")
        dev.send(signal.SIGINT)
        dev.wait_for("drains: 1 step is running, with up to 30s to finish")
        (folder / "go").touch()
        assert dev.end() == 0
    with start_dev(folder) as again:
        again.wait_for("is connected")
        detail = json.loads(call(folder, "runs", "show", run_id, "-o", "json").stdout)
        assert (detail["status"], detail["steps"][0]["attempts"]) == ("succeeded", 1)


def test_the_second_interrupt_leaves_at_once(folder: Path) -> None:
    with start_dev(folder) as dev:
        dev.wait_for("is connected")
        call(folder, "run", "slow")
        wait_until_exists(folder / "started")
        dev.send(signal.SIGINT)
        dev.wait_for("drains: 1 step is running, with up to 30s to finish")
        while dev.alive:  # one within half a second of the first counts as the same keystroke
            dev.send(signal.SIGINT)
        assert dev.end() == 130


def test_a_second_one_on_the_same_folder_says_who_is_in_its_way(folder: Path) -> None:
    with start_dev(folder) as dev:
        dev.wait_for("is connected")
        second = subprocess.run(
            mulligan("dev", "app.py:m", "--port", "0"), cwd=folder, capture_output=True, text=True, timeout=30
        )
        assert second.returncode == 3
        assert f"in use by process {dev.pid}" in second.stderr
        assert "Traceback" not in second.stderr
        assert output_of(folder, "version") == 1


def test_a_port_that_is_taken_and_a_host_that_is_unsafe_are_wrong_use(folder: Path) -> None:
    with start_dev(folder) as dev:
        port = dev.wait_for(r"http://127\.0\.0\.1:(\d+)")[1]
        taken = call(folder, "dev", "app.py:m", "--port", port, "--data", "other")
        assert (taken.returncode, "--port 0 takes a free one" in taken.stderr) == (2, True)
    unsafe = call(folder, "dev", "app.py:m", "--host", "0.0.0.0")
    assert (unsafe.returncode, "--i-know" in unsafe.stderr) == (2, True)
    absent = call(folder, "dev", "nothing.py:m")
    assert (absent.returncode, "There is no file" in absent.stderr) == (2, True)


def wait_until_exists(file: Path) -> None:
    """Return once ``file`` is there: the kernel says so, nobody polls."""
    import watchfiles

    if file.exists():
        return
    for _ in watchfiles.watch(file.parent, step=20, rust_timeout=200, yield_on_timeout=True):
        if file.exists():
            return
        assert os.path.isdir(file.parent)
