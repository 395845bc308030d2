"""Wrong use ends with exit code 2 and an absent server with 3; help is there without importing any command."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mulligan.cli.commands import print_error, run_command_line
from mulligan.errors import InvalidInput, Problem


def outcome(*tokens: str) -> int | str | None:
    with pytest.raises(SystemExit) as left:
        run_command_line(list(tokens))
    return left.value.code


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without a server."""
    monkeypatch.chdir(tmp_path)
    for name in ("MULLIGAN_URL", "MULLIGAN_TOKEN", "MULLIGAN_DATA"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    "tokens",
    [
        ("no-such-command",),
        ("run",),
        ("runs", "ls", "--limit", "many"),
        ("replay", "id", "--no-such-option"),
        ("run", "hello", "--set", "name"),
        ("run", "hello", "--input", "{"),
        ("run", "hello", "--delay", "soon"),
        ("replay", "id", "--from", "a", "--from-beginning"),
        ("runs", "ls", "-o", "xml"),
    ],
)
def test_wrong_use_is_exit_code_2(tokens: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(*tokens) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_what_the_sentence_says_is_not_said_again(capsys: pytest.CaptureFixture[str]) -> None:
    told, left_out = Problem("/a", "is no number", "input"), Problem("/b", "is missing", "input")
    print_error(InvalidInput("input: at /a: is no number (and 1 more).", problems=(told, left_out)))
    assert capsys.readouterr().err == "mulligan: input: at /a: is no number (and 1 more).\n  input /b: is missing\n"


@pytest.mark.parametrize("command", [("run", "hello"), ("replay", "id")])
def test_a_hyphen_is_standard_input(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"no json")))
    assert outcome(*command, "--input", "-") == 2
    assert "standard input is not valid: line 1" in capsys.readouterr().err


@pytest.mark.parametrize("tokens", [("runs", "ls"), ("run", "hello"), ("workers",), ("diff", "a", "b")])
def test_without_a_server_the_exit_code_is_3_and_says_how_to_get_one(
    tokens: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert outcome(*tokens) == 3
    assert "mulligan dev app.py:m" in capsys.readouterr().err


def test_a_server_that_does_not_answer_is_exit_code_3(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MULLIGAN_URL", "http://127.0.0.1:9")
    assert outcome("runs", "ls") == 3
    assert "No server answers at http://127.0.0.1:9" in capsys.readouterr().err


def test_of_several_servers_all_are_asked(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MULLIGAN_URL", "http://127.0.0.1:9,http://127.0.0.1:19")
    assert outcome("runs", "ls") == 3
    assert "No server answers at http://127.0.0.1:19" in capsys.readouterr().err


def test_wrong_settings_are_named_with_their_place(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MULLIGAN_PORT", "eighty")
    assert outcome("config", "show") == 2
    assert "port (MULLIGAN_PORT): Expected int" in capsys.readouterr().err


def test_config_alone_shows_what_config_show_shows(capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome("config", "show") == 0
    shown = capsys.readouterr().out
    assert "8420" in shown
    assert outcome("config") == 0
    assert capsys.readouterr().out == shown


def test_init_writes_a_scaffold_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome("init", "fresh") == 0
    assert {file.name for file in (tmp_path / "fresh").iterdir()} == {"app.py", "test_app.py", "mulligan.toml"}
    assert outcome("init", "fresh") == 2
    assert "exist" in capsys.readouterr().err


def test_config_show_masks_the_token(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MULLIGAN_TOKEN", "mlg_a_sesame")
    assert outcome("config", "show", "--origin", "-o", "json") == 0
    shown = capsys.readouterr().out
    assert "sesame" not in shown
    assert '"origin": "MULLIGAN_TOKEN"' in shown


def test_help_loads_no_command() -> None:
    """Commands are loaded when they run, so that each starts as fast as it can."""
    code = (
        "import sys\n"
        "from mulligan.cli.commands import app\n"
        "app(['--help'], result_action='return_value')\n"
        "loaded = {name.partition('.')[0] for name in sys.modules} | set(sys.modules)\n"
        "print(sorted(loaded & {'httpx2', 'pydantic', 'starlette', 'uvicorn', 'apsw', 'mulligan.cli.runs'}))\n"
    )
    environment = {**os.environ, "NO_COLOR": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "\x1b" not in done.stdout
