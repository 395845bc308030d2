"""What is printed reads well, and what users wrote never controls the terminal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mulligan.cli import runs
from mulligan.cli.printing import ago, first_line, in_words, plain, print_json, print_table, took
from mulligan.wire.rest.steps import ErrorDetails, FrameLine


def test_control_characters_of_users_are_made_visible() -> None:
    assert plain("\x1b[2Jclear\x07") == "\\x1b[2Jclear\\x07"
    assert plain("a\u202eb") == "a\\x202eb"
    assert plain("two\nlines\tok") == "two\nlines\tok"


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(), "0ms"),
        (timedelta(milliseconds=12), "12ms"),
        (timedelta(seconds=1.5), "1.5s"),
        (timedelta(seconds=90), "90s"),
        (timedelta(minutes=5), "5m"),
        (timedelta(hours=30), "30h"),
        (timedelta(days=30), "30d"),
        (timedelta(seconds=-3), "0ms"),
    ],
)
def test_a_span_is_told_in_its_largest_unit(span: timedelta, words: str) -> None:
    assert in_words(span) == words


def test_ages_and_durations_that_are_unknown_are_left_out() -> None:
    assert ago(None) == ""
    assert took(None) == ""
    assert ago(datetime.now(UTC) - timedelta(minutes=10)) == "10m"


def test_only_the_first_line_of_a_message_goes_into_a_table() -> None:
    assert first_line("one\ntwo") == "one"
    assert first_line(None) == ""


def test_json_keeps_numbers_and_the_order_of_members(capsys: pytest.CaptureFixture[str]) -> None:
    print_json(b'{"b":1.10,"a":123456789012345678901234567890}')
    assert capsys.readouterr().out == '{\n  "b": 1.10,\n  "a": 123456789012345678901234567890\n}\n'


def test_a_table_is_never_cut_when_it_goes_into_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("run", "why"), [("r" * 26, "x" * 300), ("[bold]", "\x1b[31m")])
    lines = capsys.readouterr().out.splitlines()
    assert [len(line) for line in lines] == [26 + 2 + 3, 26 + 2 + 300, 26 + 2 + len("\\x1b[31m")]
    assert lines[1].split() == ["r" * 26, "x" * 300]
    assert lines[2].split() == ["[bold]", "\\x1b[31m"]


def test_a_frame_that_repeats_itself_is_shown_once(capsys: pytest.CaptureFixture[str]) -> None:
    top = FrameLine(file="app.py", line=9, function="walk", code="down(tree)", in_app=True)
    again = FrameLine(file="app.py", line=4, function="down", code="down(node)", in_app=True)
    error = ErrorDetails(
        type="RecursionError", message="too deep", retryable=True, frames=[top, *[again] * 58, top], cause=None
    )
    runs.print_failure(error)
    assert capsys.readouterr().out.splitlines() == [
        "  app.py:9 in walk",
        "    down(tree)",
        "  app.py:4 in down",
        "    down(node)",
        "    … repeated 57 times",
        "  app.py:9 in walk",
        "    down(tree)",
        "RecursionError: too deep",
    ]
