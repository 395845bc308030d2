"""REST shapes keep payloads to the letter, and say exactly what does not fit."""

from __future__ import annotations

import pytest

from mulligan.errors import InvalidInput, TooLarge
from mulligan.wire.rest.codec import Answer, JsonText, read, write
from mulligan.wire.rest.replays import EditShown, ReplayRequest
from mulligan.wire.rest.runs import BulkStart, StartRequest
from mulligan.wire.rest.steps import EditOperation
from tests.wire.corpus import ACCEPTED, REFUSED


class EditsShown(Answer, frozen=True, kw_only=True):
    """As in a plan and in a run."""

    edits: list[EditShown]


@pytest.mark.parametrize("name", ACCEPTED)
def test_payloads_are_exact_slices_in_both_directions(name: str) -> None:
    payload = ACCEPTED[name].strip()
    body = b'{"workflow": "w", "input": ' + payload + b' , "playground": {"*": {"v":' + payload + b"}}}"
    request = read(StartRequest, body)
    assert isinstance(request.input, JsonText)
    assert bytes(request.input) == payload
    assert bytes(request.playground["*"]["v"]) == payload
    assert payload in write(request)


@pytest.mark.parametrize("name", REFUSED)
def test_bad_payloads_are_refused_wherever_they_stand(name: str) -> None:
    payload, _ = REFUSED[name]
    with pytest.raises((InvalidInput, TooLarge)):
        read(ReplayRequest, b'{"inputs": {"summary": ' + payload + b"}, }")


@pytest.mark.parametrize(
    ("body", "path", "rule"),
    [
        (b"{}", "", "missing required field `runs`"),
        (b"[]", "", "Expected `object`"),
        (b'{"runs":[{"workflow":""}]}', "/runs/0/workflow", "length >= 1"),
        (b'{"runs":[{"workflow":"w","playgroud":{}}]}', "/runs/0", "unknown field `playgroud`"),
        (b'{"runs":[{"workflow":"w","metadata":{"a":1}}]}', "/runs/0/metadata/…", "Expected `str`"),
        (b'{"runs":[{"workflow":"w","priority":1e3}]}', "/runs/0/priority", "Expected `int"),
        (b'{"runs":[{"workflow":"a\\u0000b"}]}', "/runs/0/workflow", "matching regex"),
        (b'{"runs":[{"workflow":"w","delay_s":-1}]}', "/runs/0/delay_s", ">= 0"),
    ],
)
def test_what_does_not_fit_is_named_by_path_and_rule(body: bytes, path: str, rule: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(BulkStart, body)
    (problem,) = refused.value.problems
    assert problem.path == path
    assert rule in problem.rule


def test_absent_and_null_are_different_things() -> None:
    absent = read(StartRequest, b'{"workflow":"w"}')
    null = read(StartRequest, b'{"workflow":"w","input":null}')
    assert b"input" not in write(absent)
    assert b'"input":null' in write(null)


def test_a_patch_operation_is_named_from_and_keeps_its_value() -> None:
    operation = read(EditOperation, b'{"op":"move","path":"/a","from":"/b"}')
    assert operation.from_ == "/b"
    assert write(operation) == b'{"op":"move","path":"/a","from":"/b"}'
    assert write(read(EditOperation, b'{"op":"add","path":"","value":1.10}')) == b'{"op":"add","path":"","value":1.10}'


def test_a_question_may_be_too_large_and_an_answer_may_not() -> None:
    edits = b",".join(b'{"step":"add","op":"replace","path":"/xs/0","before":0,"after":1}' for _ in range(60_000))
    assert len(read(EditsShown, b'{"edits":[' + edits + b"]}").edits) == 60_000
    with pytest.raises(TooLarge, match="250,000 keys"):
        read(BulkStart, b'{"runs":[' + edits + b"]}")
    with pytest.raises(InvalidInput, match="occurs twice"):
        read(EditsShown, b'{"edits":[' + edits + b',{"step":"a","step":"b"}]}')
