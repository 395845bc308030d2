"""What people type behind --set, --playground and --input becomes exactly the JSON they meant."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from mulligan.cli.values import (
    Assignment,
    json_value,
    parse_assignment,
    read_document,
    read_overrides,
    read_pairs,
    with_values,
)
from mulligan.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("id=7", "id", "7"),
        ("doc.lang=fr", "doc.lang", '"fr"'),
        ("temperature=0", "temperature", "0"),
        ("temperature=0.10", "temperature", "0.10"),
        ("big=9007199254740993", "big", "9007199254740993"),
        ('name="7"', "name", '"7"'),
        ("name=", "name", '""'),
        ("name=null", "name", "null"),
        ("name=NaN", "name", '"NaN"'),
        ("prompt=Is 1=1?", "prompt", '"Is 1=1?"'),
        ("prompt=Résumé", "prompt", '"Résumé"'),
        ('tags=["a", 1e2]', "tags", '["a", 1e2]'),
        ("broken={x", "broken", '"{x"'),
    ],
)
def test_a_value_is_json_if_it_parses_and_else_a_string(text: str, path: str, value: str) -> None:
    assert parse_assignment(text, "--set") == Assignment(path, value)


@pytest.mark.parametrize("text", ["", "doc.lang", "=7"])
def test_an_assignment_without_name_or_equals_sign_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"--set doc\.lang=fr"):
        parse_assignment(text, "--set")


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(InvalidInput, match="UTF-8"):
        json_value("\udcff", "--set name")


def test_setting_a_value_keeps_the_exact_numbers_of_all_others() -> None:
    document = b'{"b":1.0,"a":[1e2,12345678901234567890,{"x":null}]}'
    assert with_values(document, ["a[2].y=0.10", "c.d=fr"]) == (
        b'{"b":1.0,"a":[1e2,12345678901234567890,{"x":null,"y":0.10}],"c":{"d":"fr"}}'
    )


def test_a_path_through_text_is_refused() -> None:
    with pytest.raises(InvalidInput, match="neither an object nor a list"):
        with_values(b'{"a":"text"}', ["a.b=1"])


def test_an_override_is_for_every_step_unless_one_is_named() -> None:
    chosen = read_overrides(["temperature=0", "summary.model=large", "*.dotted.name=1"])
    assert {step: {name: bytes(value) for name, value in values.items()} for step, values in chosen.items()} == {
        "*": {"temperature": b"0", "dotted.name": b"1"},
        "summary": {"model": b'"large"'},
    }


@pytest.mark.parametrize("text", [".name=1", "step.=1"])
def test_an_override_without_step_or_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"step\.name=value"):
        read_overrides([text])


def test_metadata_is_text_whatever_it_looks_like() -> None:
    assert read_pairs(["team=web", "n=7", "eq=a=b"], "--metadata") == {"team": "web", "n": "7", "eq": "a=b"}
    with pytest.raises(InvalidInput, match="--metadata"):
        read_pairs(["team"], "--metadata")


def test_a_document_is_read_from_text_file_or_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "input.json"
    file.write_text(' {"id": 12345678901234567890} \n')
    assert read_document(f"@{file}", "--input") == b'{"id": 12345678901234567890}'
    assert read_document('{"id": 1}', "--input") == b'{"id": 1}'
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"[1.0]\n")))
    assert read_document("-", "--input") == b"[1.0]"


@pytest.mark.parametrize("text", ["{id: 1}", "", "@no-such-file.json", "[NaN]"])
def test_a_document_that_is_no_json_is_refused_with_the_reason(text: str) -> None:
    with pytest.raises(InvalidInput, match="--input"):
        read_document(text, "--input")


@pytest.mark.parametrize(
    ("text", "code"),
    [("[" * 10_000 + "]" * 10_000, "too_deep"), ("1" * 5_000, "invalid_json"), ('{"a": 1, "a": 2}', "invalid_json")],
)
def test_json_that_no_server_takes_is_refused_before_it_is_sent(text: str, code: str) -> None:
    with pytest.raises(InvalidInput, match="--set x") as refused:
        parse_assignment(f"x={text}", "--set")
    assert refused.value.code == code
    with pytest.raises(InvalidInput, match="--input"):
        read_document(text, "--input")


def test_bytes_on_standard_input_that_are_no_text_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'"\xff"')))
    with pytest.raises(InvalidInput, match="standard input is not valid: line 1, column 2: bytes that are not UTF-8"):
        read_document("-", "--input")


def test_a_bare_word_is_answered_with_the_quotes_that_the_shell_has_taken() -> None:
    with pytest.raises(InvalidInput, match="""If you mean a string: --input '"Golf"'"""):
        read_document("Golf", "--input")
