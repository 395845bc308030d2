"""What people type behind --set, --playground and --input becomes exactly the JSON they meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from mulligan.cli.values import Assignment, has_path, json_value, parse_assignment, pointer, read_document, set_value
from mulligan.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("id=7", ("id",), b"7"),
        ("doc.lang=fr", ("doc", "lang"), b'"fr"'),
        ("temperature=0", ("temperature",), b"0"),
        ("temperature=0.10", ("temperature",), b"0.10"),
        ("big=9007199254740993", ("big",), b"9007199254740993"),
        ('name="7"', ("name",), b'"7"'),
        ("name=", ("name",), b'""'),
        ("name=null", ("name",), b"null"),
        ("name=NaN", ("name",), b'"NaN"'),
        ("prompt=Is 1=1?", ("prompt",), b'"Is 1=1?"'),
        ("prompt=Résumé", ("prompt",), '"Résumé"'.encode()),
        ('tags=["a", 1e2]', ("tags",), b'["a", 1e2]'),
        ("broken={x", ("broken",), b'"{x"'),
    ],
)
def test_a_value_is_json_if_it_parses_and_else_a_string(text: str, path: tuple[str, ...], value: bytes) -> None:
    assert parse_assignment(text, "--set") == Assignment(path, value)


@pytest.mark.parametrize("text", ["", "doc.lang", "=7", "doc..lang=7", ".x=1", "x.=1"])
def test_an_assignment_without_path_or_equals_sign_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"--set doc\.lang=fr"):
        parse_assignment(text, "--set")


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(InvalidInput, match="UTF-8"):
        json_value("\udcff")


def test_setting_a_value_keeps_the_exact_text_of_all_others() -> None:
    document = b'{"b":1.0,"a":[1e2,12345678901234567890,{"x":"\\u0000"}]}'
    assert set_value(document, ("a", "2", "y"), b"0.10") == (
        b'{"b":1.0,"a":[1e2,12345678901234567890,{"x":"\\u0000","y":0.10}]}'
    )


def test_objects_on_the_way_to_a_new_value_are_made() -> None:
    assert set_value(b"{}", ("doc", "meta", "lang"), b'"fr"') == b'{"doc":{"meta":{"lang":"fr"}}}'
    assert set_value(b'{"doc":null}', ("doc", "id"), b"7") == b'{"doc":{"id":7}}'


@pytest.mark.parametrize(("path", "reason"), [(("a", "x"), "no place for 'x'"), (("l", "3"), "list of 2")])
def test_a_path_through_a_value_that_has_no_parts_is_refused(path: tuple[str, ...], reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        set_value(b'{"a":"text","l":[1,2]}', path, b"1")


def test_a_path_is_found_in_objects_and_lists() -> None:
    document = b'{"a":{"b":[{"c":null}]}}'
    assert has_path(document, ("a", "b", "0", "c"))
    assert not has_path(document, ("a", "b", "1"))
    assert not has_path(document, ("a", "c"))
    assert not has_path(document, ("a", "b", "0", "c", "d"))


def test_a_pointer_escapes_what_json_pointer_reserves() -> None:
    assert pointer(("a/b", "c~d", "0")) == "/a~1b/c~0d/0"
    assert pointer(()) == ""


def test_a_document_is_read_from_text_or_file(tmp_path: Path) -> None:
    file = tmp_path / "input.json"
    file.write_text(' {"id": 12345678901234567890} \n')
    assert read_document(f"@{file}", "--input") == b'{"id": 12345678901234567890}'
    assert read_document('{"id": 1}', "--input") == b'{"id": 1}'


@pytest.mark.parametrize("text", ["{id: 1}", "", "@no-such-file.json", "[NaN]"])
def test_a_document_that_is_no_json_is_refused_with_the_reason(text: str) -> None:
    with pytest.raises(InvalidInput, match="--input"):
        read_document(text, "--input")
