"""Exceptions as data."""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from mulligan import NonRetryable, Retry
from mulligan.core.fingerprint import fingerprint
from mulligan.core.records import RecordedError
from mulligan.errors import DeclarationError, InvalidInput, TooLarge
from mulligan.sdk import failure


def recorded(action: Callable[[], Any], retry: Retry | None = None) -> RecordedError:
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - whatever it is
        action()
    return failure.record(caught.value, retry)


def call_library() -> None:
    json.loads("{")


def wrap() -> None:
    try:
        call_library()
    except ValueError as error:
        raise RuntimeError("cannot read the settings") from error


def test_an_exception_becomes_type_message_and_frames() -> None:
    error = recorded(call_library)
    assert error.type == "json.decoder.JSONDecodeError"
    assert error.message.startswith("Expecting property name")
    assert [(frame.function, frame.in_app) for frame in error.frames][:2] == [
        ("recorded", True),
        ("call_library", True),
    ]
    assert error.frames[1].file == "tests/sdk/test_failure.py"
    assert error.frames[1].code == 'json.loads("{")'
    assert not error.frames[-1].in_app
    assert error.frames[-1].function == "raw_decode"


def test_causes_are_followed_also_those_that_just_happened_to_be_there() -> None:
    error = recorded(wrap)
    assert (error.type, error.message) == ("RuntimeError", "cannot read the settings")
    assert error.cause is not None
    assert error.cause.type == "json.decoder.JSONDecodeError"

    def implicit() -> None:
        try:
            call_library()
        except ValueError:
            raise KeyError("x")  # noqa: B904 - that is what is tried

    assert recorded(implicit).cause is not None

    def suppressed() -> None:
        try:
            call_library()
        except ValueError:
            raise KeyError("x") from None

    assert recorded(suppressed).cause is None


def test_a_circle_of_causes_ends() -> None:
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    error = failure.record(one)
    assert error.cause is not None
    assert error.cause.cause is None


def test_everything_is_bounded() -> None:
    def deep(n: int) -> None:
        if n == 0:
            raise ValueError("x" * 100_000)
        deep(n - 1)

    error = recorded(lambda: deep(500))
    assert len(error.frames) == failure.MAX_FRAMES
    assert error.frames[0].function == "recorded"
    assert len(error.message) < failure.MAX_MESSAGE + 50
    assert error.message.endswith("(100,000 characters)")


def test_nothing_about_an_exception_can_break_its_recording() -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def act() -> None:
        raise Broken

    assert recorded(act).message == "<its message cannot be shown: RuntimeError>"

    def odd_text() -> None:
        raise ValueError("half \ud800")

    recorded(odd_text).message.encode()


def test_notes_are_part_of_the_message() -> None:
    def act() -> None:
        error = ValueError("bad row")
        error.add_note("row 17")
        raise error

    assert recorded(act).message == "bad row\nrow 17"


def test_an_exception_group_tells_what_is_in_it() -> None:
    inner = ExceptionGroup("rows", [ValueError("bad row\nat the end")])
    inner.add_note("of table a")
    error = failure.record(
        ExceptionGroup("many", [inner, KeyError("x"), *(OSError(f"{number}" + "y" * 10_000) for number in range(50))])
    )
    told = error.message.splitlines()
    assert told[:6] == [
        "many (52 sub-exceptions)",
        "  ExceptionGroup: rows (1 sub-exception)",
        "  of table a",
        "    ValueError: bad row",
        "    at the end",
        "  KeyError: 'x'",
    ]
    assert told[6].endswith("… (10,001 characters)")
    assert len(error.message) < failure.MAX_MESSAGE + 50


def test_of_a_large_exception_group_only_the_first_are_told() -> None:
    error = failure.record(ExceptionGroup("many", [ValueError(str(number)) for number in range(1_000)]))
    told = error.message.splitlines()
    assert len(told) == 1 + failure.MAX_MEMBERS + 1
    assert told[-2:] == ["  ValueError: 19", "  … and more"]


def test_exceptions_of_a_group_that_say_the_same_are_told_once_and_are_one_failure() -> None:
    several = [
        failure.record(ExceptionGroup("unhandled errors", [ConnectionError("down")] * count + [ValueError("odd")]))
        for count in (2, 3)
    ]
    assert several[0].message.splitlines()[1:] == ["  ConnectionError: down", "  ValueError: odd"]
    assert fingerprint("fetch", "w", several[0]) == fingerprint("fetch", "w", several[1])


class BadCard(NonRetryable): ...


@pytest.mark.parametrize(
    ("error", "retry", "retryable"),
    [
        (ValueError(), None, True),
        (ValueError(), Retry(3), True),
        (ValueError(), Retry(3, on=(TimeoutError, OSError)), False),
        (ConnectionError(), Retry(3, on=(TimeoutError, OSError)), True),
        (BadCard(), Retry(3), False),
        (InvalidInput("x"), Retry(3), False),
        (TooLarge("x"), Retry(3), False),
        (DeclarationError("x"), Retry(3), False),
        (SystemExit(1), Retry(3), False),
        (asyncio.CancelledError(), Retry(3), False),
    ],
)
def test_what_is_worth_another_try(error: BaseException, retry: Retry | None, retryable: bool) -> None:
    assert failure.record(error, retry).retryable is retryable


def test_the_frames_are_those_that_python_shows() -> None:
    with pytest.raises(RuntimeError) as caught:
        wrap()
    shown = [frame.lineno for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert [frame.line for frame in failure.record(caught.value).frames] == shown
