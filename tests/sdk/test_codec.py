"""JSON at the user's edge: exact, typed, and refused with the place and the rule."""

from __future__ import annotations

import dataclasses
import json
import math
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from mulligan import Mulligan
from mulligan.errors import InvalidInput, TooLarge
from mulligan.sdk.declare.codec import ValueCodec


class Colour(Enum):
    RED = "red"


class Doc(BaseModel):
    id: int
    score: float = 0.0
    at: datetime | None = None


@dataclasses.dataclass
class Point:
    x: float
    tags: tuple[str, ...] = ()


def codec(kind: Any) -> ValueCodec:
    return ValueCodec(kind, "The output of step 'fetch'")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_plain_data_comes_back_as_it_was(value: Any) -> None:
    assert codec(Any).decode(codec(Any).encode(value)) == value


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (int, 2**63 + 1),
        (int, -(10**300)),
        (float, 1e-320),
        (Doc, Doc(id=2**70, score=-0.0, at=datetime(2026, 11, 22, tzinfo=UTC))),
        (Point, Point(1.5, ("a", "b"))),
        (Decimal, Decimal("1.10")),
        (Colour, Colour.RED),
        (dict[str, list[Doc]], {"é\u0000": [Doc(id=1)]}),
        (str | None, None),
        (set[int], {1, 2}),
        (bytes, b"abc"),
    ],
)
def test_typed_values_come_back_as_they_were(kind: Any, value: Any) -> None:
    assert codec(kind).decode(codec(kind).encode(value)) == value


def test_text_is_compact_and_not_escaped_more_than_needed() -> None:
    assert codec(dict[str, str]).encode({"é": "ü"}) == '{"é":"ü"}'.encode()


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    ("kind", "wrap"),
    [
        (float, lambda number: number),
        (list[float | None], lambda number: [1.0, None, number]),
        (Doc, lambda number: Doc(id=1, score=number)),
        (Any, lambda number: {"a": [number]}),
    ],
)
def test_numbers_that_json_has_not_are_refused(kind: Any, wrap: Any, number: float) -> None:
    with pytest.raises(InvalidInput, match=r"The output of step 'fetch' .* JSON has no NaN and no Infinity") as caught:
        codec(kind).encode(wrap(number))
    assert caught.value.code == "not_serializable"


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (str, "\ud800", "surrogates not allowed"),
        (Any, object(), "Unable to serialize unknown type"),
        (Any, {"f": lambda: 1}, "Unable to serialize unknown type"),
    ],
)
def test_what_json_cannot_hold_is_refused_with_advice(kind: Any, value: Any, text: str) -> None:
    with pytest.raises(InvalidInput, match=text) as caught:
        codec(kind).encode(value)
    assert "Return plain data, a dataclass or a Pydantic model" in str(caught.value)


def test_a_value_of_another_type_is_refused_with_its_place() -> None:
    with pytest.raises(InvalidInput, match=r"does not fit its type: /1: Input should be a valid integer") as caught:
        codec(list[int]).encode([1, "two"])
    assert caught.value.code == "invalid_value"
    assert [(problem.path, problem.where) for problem in caught.value.problems] == [
        ("/1", "The output of step 'fetch'")
    ]


def test_what_pydantic_accepts_for_the_type_is_accepted() -> None:
    assert codec(Doc).encode({"id": 3}) == b'{"id":3,"score":0.0,"at":null}'


def test_payloads_have_the_published_limits() -> None:
    with pytest.raises(TooLarge, match="Store large data elsewhere"):
        codec(str).encode("x" * (4 * 1024 * 1024))
    deep: Any = 1
    for _ in range(101):
        deep = [deep]
    with pytest.raises(InvalidInput, match="levels deep") as caught:
        codec(Any).encode(deep)
    assert caught.value.code == "too_deep"


def test_a_document_is_parsed_into_arguments() -> None:
    m = Mulligan()

    @m.task
    def measure(doc: Doc, _odd: int, model_config: str, json: list[int], copy: bool = False) -> None: ...

    document = measure.declaration.document
    arguments = document.decode(b'{"doc":{"id":1},"_odd":2,"model_config":"x","json":[9007199254740993]}')
    assert arguments == {"doc": Doc(id=1), "_odd": 2, "model_config": "x", "json": [2**53 + 1]}
    with pytest.raises(InvalidInput, match=r"The input of step 'measure' does not fit its type: /doc/id: ") as caught:
        document.decode(b'{"doc":{"id":"x"},"json":[],"colour":1}')
    assert {problem.path for problem in caught.value.problems} == {"/doc/id", "/_odd", "/model_config", "/colour"}


def test_the_input_of_a_call_keeps_the_order_of_its_arguments() -> None:
    m = Mulligan()

    @m.task
    def pay(amount: int, to: str, note: str = "") -> None: ...

    text = pay.declaration.document.encode({"to": "ada", "amount": 2**60})
    assert json.loads(text) == {"amount": 2**60, "to": "ada"}
