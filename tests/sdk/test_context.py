"""The context of a step: who it is, its playground variables, its keys."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel

from mulligan import Cancelled, Context, DeclarationError, MulliganError, current_context
from mulligan.errors import InvalidInput
from mulligan.sdk.context import running_context
from mulligan.testing import make_context

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_a_context_knows_its_run() -> None:
    ctx = make_context(
        run_id="r1",
        workflow="pay",
        step="charge",
        attempt=3,
        retries=5,
        failures=2,
        metadata={"team": "web"},
        key="fam",
    )
    assert (ctx.run_id, ctx.workflow, ctx.step, ctx.attempt, ctx.retries_left) == ("r1", "pay", "charge", 3, 3)
    assert ctx.metadata == {"team": "web"}
    with pytest.raises(TypeError):
        ctx.metadata["team"] = "x"  # type: ignore[index] # that is what is tried


def test_the_idempotency_key_is_the_same_in_every_attempt_and_the_attempt_key_is_not() -> None:
    first, second = (make_context(run_id="r2", step="charge", attempt=n, key="r1") for n in (1, 2))
    assert first.idempotency_key == second.idempotency_key == "r1/charge"
    assert (first.attempt_key, second.attempt_key) == ("r2/charge/1", "r2/charge/2")


class Prompt(BaseModel):
    text: str
    heat: float = 0.0


@dataclass
class Window:
    low: int
    high: int


@pytest.mark.parametrize(
    ("read", "override", "expected"),
    [
        (lambda ctx: ctx.playground("v", "small", choices=["small", "large"]), "large", "large"),
        (lambda ctx: ctx.playground("v", 0.2, min=0, max=2), 1, 1.0),
        (lambda ctx: ctx.playground("v", 3, min=1), 2**60, 2**60),
        (lambda ctx: ctx.playground("v", True), False, False),
        (lambda ctx: ctx.playground("v", ["a"]), ["b", 1], ["b", 1]),
        (lambda ctx: ctx.playground("v", {"a": 1}), {"b": None}, {"b": None}),
        (lambda ctx: ctx.playground("v", Prompt(text="x")), {"text": "y"}, Prompt(text="y")),
        (lambda ctx: ctx.playground("v", Window(1, 2)), {"low": 3, "high": 4}, Window(3, 4)),
        (lambda ctx: ctx.playground("v", None, type=str | None), "text", "text"),
        (lambda ctx: ctx.playground("v", [1], type=list[int]), [2, 3], [2, 3]),
    ],
)
def test_an_override_takes_the_place_of_the_default(
    read: Callable[[Context], Any], override: Any, expected: Any
) -> None:
    value = read(make_context(playground={"v": override}))
    assert value == expected
    assert type(value) is type(expected)


def test_without_an_override_it_is_the_default_in_its_type() -> None:
    ctx = make_context()
    assert ctx.playground("heat", 0.2) == 0.2
    whole = ctx.playground("whole", 1, type=float)
    assert (whole, type(whole)) == (1.0, float)
    assert ctx.playground("prompt", Prompt(text="x")) == Prompt(text="x")
    assert ctx.playground("maybe", None, type=str | None) is None


@pytest.mark.parametrize(
    ("read", "override", "rule"),
    [
        (lambda ctx: ctx.playground("v", 3), 3.5, "valid integer"),
        (lambda ctx: ctx.playground("v", 3), True, "valid integer"),
        (lambda ctx: ctx.playground("v", 3), "3", "valid integer"),
        (lambda ctx: ctx.playground("v", 0.5), "hot", "valid number"),
        (lambda ctx: ctx.playground("v", True), 1, "valid boolean"),
        (lambda ctx: ctx.playground("v", "x"), 1, "valid string"),
        (lambda ctx: ctx.playground("v", "small", choices=["small", "large"]), "huge", "none of its choices"),
        (lambda ctx: ctx.playground("v", 0.2, min=0, max=2), 3, "above its max of 2"),
        (lambda ctx: ctx.playground("v", 0.2, min=0, max=2), -1, "below its min of 0"),
        (lambda ctx: ctx.playground("v", Prompt(text="x")), {"heat": 1}, "/text: Field required"),
    ],
)
def test_an_override_that_does_not_fit_is_refused_and_recorded(
    read: Callable[[Context], Any], override: Any, rule: str
) -> None:
    ctx = make_context(playground={"v": override})
    with pytest.raises(InvalidInput, match=rule) as caught:
        read(ctx)
    assert caught.value.code == "invalid_override"
    (reading,) = ctx.readings
    assert json.loads(reading.override or "") == override
    assert reading.value == reading.default


def test_what_was_read_is_recorded_once_with_its_place_and_its_schema() -> None:
    ctx = make_context(playground={"temperature": 1.5})
    for _ in range(2):
        ctx.playground("temperature", 0.2, help="how wild", min=0, max=2, multiline=True, kind="slider")
    (reading,) = ctx.readings
    assert (reading.name, reading.default, reading.override, reading.value) == ("temperature", "0.2", "1.5", "1.5")
    assert reading.file.endswith("test_context.py")
    assert reading.line > 0
    assert json.loads(reading.schema) == {
        "type": "number",
        "description": "how wild",
        "minimum": 0,
        "maximum": 2,
        "x-mulligan-multiline": True,
        "x-mulligan-kind": "slider",
    }
    ctx.playground("model", "small", choices=["small", "large"])
    assert json.loads(ctx.readings[1].schema) == {"type": "string", "enum": ["small", "large"]}


def test_one_name_of_two_types_names_both_places() -> None:
    ctx = make_context()
    ctx.playground("size", 1)
    with pytest.raises(DeclarationError, match=r"'size' is a str here and a int at .*test_context.py:\d+. Give one"):
        ctx.playground("size", "large")


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (lambda ctx: ctx.playground("a\0b", 1), "is no name for a playground variable.*printable"),
        (lambda ctx: ctx.playground("v", None), "is None, which says nothing about its type.*type=str"),
        (lambda ctx: ctx.playground("v", "huge", choices=["small"]), "the default .* is none of its choices"),
        (lambda ctx: ctx.playground("v", "x", type=int), "is not of its type"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(read: Callable[[Context], Any], text: str) -> None:
    with pytest.raises(DeclarationError, match=text):
        read(make_context())


def test_a_sync_step_can_ask_whether_it_is_still_wanted() -> None:
    ctx = make_context()
    ctx.raise_if_cancelled()
    ctx.cancel()
    assert ctx.cancelled
    with pytest.raises(Cancelled, match="no longer wanted"):
        ctx.raise_if_cancelled()
    assert not issubclass(Cancelled, Exception)


async def test_the_current_context_is_found_in_tasks_and_threads_of_the_step() -> None:
    ctx = make_context()

    async def inner() -> Context:
        return current_context()

    token = running_context.set(ctx)
    try:
        assert current_context() is ctx
        assert await asyncio.create_task(inner()) is ctx
        assert await asyncio.to_thread(current_context) is ctx
    finally:
        running_context.reset(token)


def test_outside_of_a_step_there_is_no_context() -> None:
    with pytest.raises(MulliganError, match=r"outside of a step.*make_context"):
        current_context()


def test_progress_is_a_line_of_the_log() -> None:
    lines: list[tuple[datetime, str, str]] = []
    ctx = make_context(now=lambda: NOON, emit=lambda at, level, logger, text: lines.append((at, logger, text)))
    ctx.progress(0.4)
    ctx.progress(3, 10, "pages")
    ctx.progress(0, 0)
    assert lines == [
        (NOON, "mulligan.progress", "40%"),
        (NOON, "mulligan.progress", "30% (3 of 10): pages"),
        (NOON, "mulligan.progress", "100% (0 of 0)"),
    ]
