"""What passes the gate is strict JSON that every part can hold; what does not is refused with place and reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mulligan.errors import InvalidInput, Refused, TooLarge
from mulligan.wire.json_text import PAYLOAD, Limits, check
from tests.wire.corpus import ACCEPTED, REFUSED

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=30,
)


@pytest.mark.parametrize("name", ACCEPTED)
def test_corpus_text_is_accepted(name: str) -> None:
    check(ACCEPTED[name])


@pytest.mark.parametrize("name", REFUSED)
def test_corpus_text_is_refused_with_its_code(name: str) -> None:
    text, code = REFUSED[name]
    with pytest.raises(Refused) as refused:
        check(text)
    assert refused.value.code == code


@given(value=json_values, indent=st.sampled_from([None, 0, 2]), ascii_only=st.booleans())
def test_whatever_json_writes_is_accepted_unless_a_character_is_half(
    value: object, indent: int | None, ascii_only: bool
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    check(text.encode())


@given(key=st.text(), other=st.text(), left=json_values, right=json_values, gap=st.sampled_from(["", " ", "\n\t"]))
@example(key='":', other='"', left="a:b", right=1, gap="")
def test_a_key_that_occurs_twice_is_always_found(key: str, other: str, left: object, right: object, gap: str) -> None:
    members = [(key, left), (other, 1), (key, right)]
    body = ",".join(f"{json.dumps(name)}{gap}:{gap}{json.dumps(value)}" for name, value in members)
    with pytest.raises(InvalidInput, match="twice"):
        check(b'{"outer":[' + b"{" + body.encode() + b"}]}")


class _NotStrict(Exception):
    pass


def _strictly(text: bytes) -> object:
    """An independent judge: the standard library, told to be strict."""

    def no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
        if len({key for key, _ in pairs}) < len(pairs):
            raise _NotStrict
        return dict(pairs)

    def no_constants(name: str) -> None:
        raise _NotStrict

    def finite(number: str) -> float:
        if abs(float(number)) == float("inf"):
            raise _NotStrict
        return float(number)

    try:
        decoded = text.decode()
        if decoded.startswith("\ufeff"):
            raise _NotStrict
        value = json.loads(decoded, object_pairs_hook=no_duplicates, parse_constant=no_constants, parse_float=finite)
        json.dumps(value, ensure_ascii=False).encode()  # lone surrogates cannot be encoded
    except (ValueError, RecursionError) as error:
        raise _NotStrict from error
    return value


fragments = st.one_of(
    st.sampled_from(list("{}[],: \n1-\\é\x00\ufeff")),
    st.sampled_from(
        ['"', '"a"', '"b":', "0.5", "e9", "e999", "\\u", "d800", "\\ud83d", "\\udc00", "true", "null", "NaN"]
    ),
)


@given(st.lists(fragments, max_size=12).map("".join).map(str.encode) | st.binary(max_size=30))
@example(b'{"a":1,"a" :2}')
@example(b'"\\ud83d\\udc00"')
def test_the_gate_agrees_with_an_independent_judge(text: bytes) -> None:
    try:
        _strictly(text)
    except _NotStrict:
        with pytest.raises(InvalidInput):
            check(text)
    else:
        check(text)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (b'{\n  "a": 1,\n  "b": }', "line 3, column 8"),
        (b"[1,\n 2", "line 2, column 3"),
        (b'{"a":1,\n "a":2}', "line 2, column 2"),
        ('["é", "\\ud800"]'.encode(), "line 1, column 8"),
        ('["é", 1e999]'.encode(), "line 1, column 7"),
        (b'["\xc3\xa9\xff"]', "line 1, column 4"),
        (b"[\n" + b"1" * 1001 + b"]", "line 2, column 1"),
    ],
)
def test_the_error_names_line_and_column(text: bytes, place: str) -> None:
    with pytest.raises(InvalidInput, match=place) as refused:
        check(text, "the run input")
    assert str(refused.value).startswith("the run input")
    assert refused.value.problems[0].where == "the run input"


def test_the_limits_are_the_published_ones() -> None:
    check(b'"' + b"a" * (PAYLOAD.size - 2) + b'"')
    with pytest.raises(TooLarge, match="4,194,304"):
        check(b'"' + b"a" * (PAYLOAD.size - 1) + b'"')
    keys = b",".join(b'"%d":1' % number for number in range(100_000))
    check(b"{" + keys + b"}")
    with pytest.raises(TooLarge, match="100,000 keys"):
        check(b"{" + keys + b',"one more":1}')
    with pytest.raises(TooLarge):
        check(b'{"a":1}', limits=Limits(size=6, keys=1))


@pytest.mark.parametrize("bomb", [b'"' + b'\\"' * 500_000, b'"\\' * 500_000, b'" ' * 500_000, b"1 " * 500_000])
@pytest.mark.timeout(5)
def test_hostile_text_is_judged_in_linear_time(bomb: bytes) -> None:
    with pytest.raises(InvalidInput):
        check(bomb + b"[" * 200)
