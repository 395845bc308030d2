"""A log line is one line, and no value in it can pass for another."""

from __future__ import annotations

import json
import logging

from mulligan.app.logs import JsonFormatter, TextFormatter


def record(message: str, *values: object, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("mulligan.engine", logging.WARNING, __file__, 1, message, values, None)
    vars(made).update(extra)
    return made


def test_text_shows_level_logger_message_and_values() -> None:
    line = TextFormatter(colours=False).format(record("worker %s is lost", "w1", steps=3))
    assert line.endswith("WARNING mulligan.engine: worker w1 is lost steps=3")


def test_a_value_cannot_forge_a_line_or_move_the_cursor() -> None:
    line = TextFormatter(colours=False).format(record("name %s", "a\nERROR x: \x1b[2J", key="b\r\nc"))
    assert "\n" not in line
    assert "\x1b" not in line
    assert "a\\nERROR x: \\x1b[2J" in line


def test_json_is_an_object_a_line_with_the_values_as_members() -> None:
    line = JsonFormatter().format(record("worker %s is lost", "w\n1", steps=3))
    entry = json.loads(line)
    assert "\n" not in line
    assert (entry["level"], entry["logger"], entry["message"], entry["steps"]) == (
        "WARNING",
        "mulligan.engine",
        "worker w\n1 is lost",
        3,
    )


def test_an_exception_is_told_with_its_traceback() -> None:
    try:
        raise ValueError("boom")
    except ValueError as error:
        made = record("failed")
        made.exc_info = (ValueError, error, error.__traceback__)
    assert "ValueError: boom" in TextFormatter(colours=False).format(made)
    assert "ValueError: boom" in json.loads(JsonFormatter().format(made))["exception"]
