"""What `mulligan init` writes runs as it is, and tells the whole story: fail, look, edit, replay."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.programs import PATIENCE_S, Program, call, clean_environment, mulligan


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert call(tmp_path, "init", "first").returncode == 0
    return tmp_path / "first"


def test_the_scaffolds_own_tests_pass(folder: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["-o", "asyncio_default_fixture_loop_scope=function"]
    done = subprocess.run(
        command, cwd=folder, env=clean_environment(), capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


def test_the_scaffold_is_typed_strictly(folder: Path) -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "app.py"]
    done = subprocess.run(command, cwd=folder, env=clean_environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout


def test_the_scaffolds_settings_are_settings(folder: Path) -> None:
    file = folder / "mulligan.toml"
    lines = file.read_text().splitlines()
    file.write_text("\n".join(line.removeprefix("# ") for line in lines if " = " in line))
    done = call(folder, "config", "show", "--origin", "-o", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["slots"]["origin"] == str(file)


def test_the_story_that_the_scaffold_tells_comes_true_at_a_terminal(folder: Path) -> None:
    with Program(mulligan("dev", "app.py:m", "--port", "0"), folder) as dev:
        dev.wait_for("is connected")
        assert call(folder, "run", "hello", "--set", "name=ada", "--wait").stdout == '"hello ada"\n'
        failed = call(folder, "run", "greeting", "--set", "name=ada", "--set", "language=eo", "--wait", "-o", "json")
        assert failed.returncode == 1
        run_id = json.loads(failed.stdout)["id"]
        options = ["--set", "guest.language=fr", "--playground", "mark=?", "--wait"]
        assert "nothing was changed" in at_a_terminal(folder, ["replay", run_id, *options], "n\n")
        agreed = at_a_terminal(folder, ["replay", run_id, *options], "y\n")
        assert "Replay? [y/N]" in agreed
        assert "succeeded" in agreed
        newest = json.loads(call(folder, "runs", "ls", "--limit", "1", "-o", "json").stdout)["items"][0]
        detail = json.loads(call(folder, "runs", "show", newest["id"], "-o", "json").stdout)
        assert [step["status"] for step in detail["steps"]] == ["kept", "succeeded", "succeeded"]


def at_a_terminal(folder: Path, arguments: list[str], typed: str) -> str:
    """What a command shows on a terminal where ``typed`` is typed."""
    keyboard, terminal = pty.openpty()
    process = subprocess.Popen(
        mulligan(*arguments), cwd=folder, env=clean_environment(), stdin=terminal, stdout=terminal, stderr=terminal
    )
    os.close(terminal)
    os.write(keyboard, typed.encode())
    shown = b""
    try:
        while part := os.read(keyboard, 65536):
            shown += part
    except OSError:
        pass  # the other end of the terminal is closed: the command has ended
    os.close(keyboard)
    process.wait(PATIENCE_S)
    return shown.decode()
