"""JSON documents, edited without loss: every number keeps its literal, every object the order of its members.

A payload is the text that the user's side wrote. Python's numbers cannot carry it (1.10 becomes 1.1, 1e400 infinity),
so a number is kept as the letters it was written with and compared by the value that they stand for. Everything that
is broken about a document or an edit is told with ``InvalidInput`` and the JSON Pointer of the place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from json import JSONDecodeError, JSONDecoder
from json.encoder import encode_basestring
from typing import NoReturn, TypeAlias

import jsonpatch
import jsonpointer
import msgspec

from mulligan.core.records import Patch, PatchOp
from mulligan.errors import InvalidInput, Problem, TooLarge

LARGEST = 16 * 1024 * 1024
"""Bytes that an edited document may have; ``copy`` operations could otherwise double it without end."""

LONGEST_NUMBER = 1_000
"""Characters. Python itself refuses to read the digits of an integer that is much longer."""

_ALIGNED = 40_000
"""Lists are aligned item by item up to this product of lengths; beyond it the search would be felt."""


class Number(msgspec.Struct, frozen=True, eq=False):
    """A number as written. Equal to another when both have the same value: 1.10 == 1.1 == 11e-1, and -0 == 0."""

    literal: str

    def _value(self) -> tuple[bool, str, int]:
        mantissa, _, power = self.literal.lower().partition("e")
        whole, _, fraction = mantissa.lstrip("-").partition(".")
        digits = (whole + fraction).lstrip("0")
        significant = digits.rstrip("0")
        if not significant:
            return False, "", 0
        exponent = int(power or 0) - len(fraction) + len(digits) - len(significant)
        return mantissa.startswith("-"), significant, exponent

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Number):
            return NotImplemented
        return self.literal == other.literal or self._value() == other._value()

    def __hash__(self) -> int:
        return hash(self._value())


Node: TypeAlias = "dict[str, Node] | list[Node] | str | Number | bool | None"


# ── Text and nodes ───────────────────────────────────────────────────────────────────────────────────────────────────


def parse(text: bytes) -> Node:
    """The document as nodes; ``==`` on nodes is equality of JSON values. Raises ``InvalidInput``."""
    document = _decoded(text)
    node, end = _scan(_DECODER, document, _gap(document, 0))
    if _gap(document, end) != len(document):
        _malformed("nothing may follow the end of the JSON value", document, end)
    return node


def render(node: Node) -> bytes:
    """The compact text of a node."""
    # A lone surrogate has no UTF-8; inside a JSON string, the only place it can be in, its escape is Python's too.
    return "".join(_pieces(node)).encode("utf-8", "backslashreplace")


def assemble(parts: Sequence[tuple[str, bytes]]) -> bytes:
    """An object made of values that stay as they are, byte for byte."""
    return b"{" + b",".join(render(name) + b":" + value for name, value in parts) + b"}"


def split_object(text: bytes) -> dict[str, bytes]:
    """The members of an object, each the exact slice of ``text`` that it stands in. Raises ``InvalidInput``."""
    members = _split(_decoded(text))
    if not isinstance(members, dict):
        raise _broken("", "must be an object")
    return {name: _encoded(value) for name, value in members.items()}


def value_at(text: bytes, pointer: str) -> bytes:
    """The value that an RFC 6901 pointer leads to, as the exact slice of ``text``. Raises ``InvalidInput``."""
    value = _decoded(text)
    for token in _tokens_of_pointer(pointer):
        members = _split(value)
        if isinstance(members, dict) and token in members:
            value = members[token]
        elif isinstance(members, list) and _INDEX.fullmatch(token) and int(token) < len(members):
            value = members[int(token)]
        else:
            raise _broken(pointer, "there is no such place in the document")
    return _encoded(value.strip(_SPACE))


# ── Edits ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def apply_patch(text: bytes, patch: Patch) -> bytes:
    """The document after an RFC 6902 patch. An empty patch returns the very same bytes.

    Raises ``InvalidInput`` with the path of the operation that cannot be carried out, and ``TooLarge``.
    """
    if not patch:
        return text
    node = parse(text)
    size = len(text)
    for operation in patch:
        size += _growth(node, operation)
        if size > LARGEST:
            raise TooLarge(f"The edited document would be larger than {LARGEST} bytes. Copy less of it.")
        node = _apply(node, operation)
    return render(node)


def diff(before: bytes, after: bytes) -> Patch:
    """The edit that turns ``before`` into ``after``, at the deepest places that differ.

    ``apply_patch(before, diff(before, after))`` is JSON-equal to ``after``. White space, the order of members and the
    spelling of a number (1.0 for 1) are no edit.
    """
    return tuple(_differences(parse(before), parse(after), ""))


def set_path(text: bytes, path: str, value: str) -> Patch:
    r"""The edit for ``--set path=value``, where ``value`` is JSON text.

    ``doc.tags[0]``, ``doc.tags.0`` and ``/doc/tags/0`` are the same place; a dot or bracket inside a name is written
    ``\.``; ``[-]`` appends to a list. Missing objects on the way are made. Raises ``InvalidInput``.
    """
    parse(value.encode())
    tokens = _tokens_of_pointer(path) if path.startswith("/") else _tokens_of_path(path)
    node = parse(text)
    for depth, token in enumerate(tokens):
        place = _pointer(tokens[:depth])
        if isinstance(node, dict) and token in node:
            node = node[token]
        elif isinstance(node, list) and _INDEX.fullmatch(token) and int(token) < len(node):
            node = node[int(token)]
        elif isinstance(node, dict) or (isinstance(node, list) and token in ("-", str(len(node)))):
            return (PatchOp("add", _pointer(tokens[: depth + 1]), _nested(tokens[depth + 1 :], value)),)
        elif isinstance(node, list):
            raise _broken(place, f"is a list of {len(node)} items and has no place {token!r}")
        elif node is None:
            return (PatchOp("replace", place, _nested(tokens[depth:], value)),)
        else:
            raise _broken(place, f"is neither an object nor a list and has no place {token!r}")
    return (PatchOp("replace", _pointer(tokens), value.strip()),)


# ── Reading text ─────────────────────────────────────────────────────────────────────────────────────────────────────

_SPACE = " \t\n\r"
_GAP = re.compile(r"[ \t\n\r]*")
_INDEX = re.compile(r"0|[1-9][0-9]{0,17}")


def _members(pairs: list[tuple[str, Node]]) -> dict[str, Node]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("an object has two members of the same name")
    return members


def _number(literal: str) -> Number:
    if len(literal) > LONGEST_NUMBER:
        raise ValueError(f"a number is longer than {LONGEST_NUMBER} characters")
    return Number(literal)


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a JSON number")


_DECODER = JSONDecoder(parse_int=_number, parse_float=_number, parse_constant=_no_number, object_pairs_hook=_members)
# Finds where values end and keeps none of them; `str` is spared the conversion of numbers.
_SKIPPER = JSONDecoder(parse_int=str, parse_float=str, parse_constant=_no_number)


def _decoded(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise _broken("", f"is not UTF-8: {error.reason} at byte {error.start}") from error


def _encoded(text: str) -> bytes:
    return text.encode()


def _gap(document: str, at: int) -> int:
    """The first place from ``at`` on that is no white space."""
    match = _GAP.match(document, at)
    assert match is not None
    return match.end()


def _scan(decoder: JSONDecoder, document: str, at: int) -> tuple[Node, int]:
    try:
        value: tuple[Node, int] = decoder.raw_decode(document, at)
        return value
    except JSONDecodeError as error:
        _malformed(error.msg, document, error.pos)
    except RecursionError as error:
        raise _broken("", "is nested too deeply") from error
    except ValueError as error:
        raise _broken("", str(error)) from error


def _split(document: str) -> dict[str, str] | list[str] | None:
    """The slices of the values right inside a container; ``None`` when the document is not one."""
    at = _gap(document, 0)
    opening = document[at : at + 1]
    if opening not in ("{", "["):
        return None
    closing = "}" if opening == "{" else "]"
    items: list[tuple[str, str]] = []
    at = _gap(document, at + 1)
    while document[at : at + 1] != closing or items:
        name, at = _name(document, at) if opening == "{" else ("", at)
        _, end = _scan(_SKIPPER, document, at)
        items.append((name, document[at:end]))
        at = _gap(document, end)
        if document[at : at + 1] == closing:
            break
        at = _gap(document, _past(",", document, at))
    if _gap(document, at + 1) != len(document):
        _malformed("nothing may follow the end of the JSON value", document, at + 1)
    if opening == "[":
        return [value for _, value in items]
    members = dict(items)
    if len(members) != len(items):
        raise _broken("", "an object has two members of the same name")
    return members


def _name(document: str, at: int) -> tuple[str, int]:
    """A member's name, and where its value begins."""
    _past('"', document, at)
    name, end = _scan(_SKIPPER, document, at)
    assert isinstance(name, str)
    return name, _gap(document, _past(":", document, _gap(document, end)))


def _past(sign: str, document: str, at: int) -> int:
    if document[at : at + 1] != sign:
        _malformed(f"expecting {sign!r}", document, at)
    return at + 1


def _malformed(rule: str, document: str, at: int) -> NoReturn:
    line = document.count("\n", 0, at) + 1
    column = at - document.rfind("\n", 0, at)
    raise _broken("", f"is not JSON: {rule} at line {line}, column {column}")


def _broken(path: str, rule: str) -> InvalidInput:
    return InvalidInput(f"{path or 'The document'}: {rule}.", problems=(Problem(path, rule),))


# ── Writing text ─────────────────────────────────────────────────────────────────────────────────────────────────────

_WORDS = {None: "null", True: "true", False: "false"}


def _pieces(node: Node) -> Iterator[str]:
    match node:
        case str():
            yield encode_basestring(node)
        case Number():
            yield node.literal
        case dict():
            sign = "{"
            for name, value in node.items():
                yield f"{sign}{encode_basestring(name)}:"
                yield from _pieces(value)
                sign = ","
            yield "}" if node else "{}"
        case list():
            sign = "["
            for value in node:
                yield sign
                yield from _pieces(value)
                sign = ","
            yield "]" if node else "[]"
        case _:
            yield _WORDS[node]


# ── Pointers and paths ───────────────────────────────────────────────────────────────────────────────────────────────

_PATH_PART = re.compile(r"(?:^|\.)((?:[^.\[\]\\]|\\.)+)|\[([0-9]+|-)\]", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def _pointer(tokens: Sequence[str]) -> str:
    return "".join("/" + jsonpointer.escape(token) for token in tokens)


def _tokens_of_pointer(pointer: str) -> list[str]:
    try:
        return list(jsonpointer.JsonPointer(pointer).parts)
    except jsonpointer.JsonPointerException as error:
        raise _broken(pointer, "is not a JSON Pointer, such as /doc/lang") from error


def _tokens_of_path(path: str) -> list[str]:
    tokens: list[str] = []
    at = 0
    while at < len(path):
        part = _PATH_PART.match(path, at)
        if part is None:
            raise _broken(path, "is not a path, such as doc.lang or doc.tags[0]")
        tokens.append(_ESCAPE.sub(r"\1", part[1]) if part[1] is not None else part[2])
        at = part.end()
    return tokens


def _nested(tokens: Sequence[str], value: str) -> str:
    for token in reversed(tokens):
        value = assemble([(token, value.encode())]).decode()
    return value.strip()


# ── One operation ────────────────────────────────────────────────────────────────────────────────────────────────────


def _apply(node: Node, operation: PatchOp) -> Node:
    form: dict[str, object] = {"op": operation.op, "path": operation.path}
    if operation.value is not None:
        form["value"] = parse(operation.value.encode())
    if operation.from_ is not None:
        form["from"] = operation.from_
    try:
        edited: Node = jsonpatch.JsonPatch([form]).apply(node, in_place=True)
        return edited
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException) as error:
        raise _broken(operation.path, _rule(operation, error)) from error


def _rule(operation: PatchOp, error: Exception) -> str:
    """What is wrong, in words of our own: the library's quote the document, which may hold secrets."""
    match error:
        case jsonpatch.JsonPatchTestFailed():
            return "the value that the edit expects here is not there"
        case jsonpatch.InvalidJsonPatch():
            return f"the operation {operation.op!r} lacks a part that it needs"
        case _:
            return f"there is no such place in the document to {operation.op}"


def _growth(node: Node, operation: PatchOp) -> int:
    """Bytes that an operation can add at most."""
    if operation.op == "copy" and operation.from_ is not None:
        try:
            return len(render(jsonpointer.resolve_pointer(node, operation.from_)))
        except jsonpointer.JsonPointerException as error:
            raise _broken(operation.from_, _rule(operation, error)) from error
    return len(operation.value or "")


# ── Finding what differs ─────────────────────────────────────────────────────────────────────────────────────────────


def _differences(before: Node, after: Node, place: str) -> Iterator[PatchOp]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name in (name for name in before if name not in after):
            yield PatchOp("remove", f"{place}/{jsonpointer.escape(name)}")
        for name, value in after.items():
            inner = f"{place}/{jsonpointer.escape(name)}"
            if name in before:
                yield from _differences(before[name], value, inner)
            else:
                yield PatchOp("add", inner, render(value).decode())
    elif isinstance(before, list) and isinstance(after, list):
        yield from _list_differences(before, after, place)
    else:
        yield PatchOp("replace", place, render(after).decode())


def _list_differences(before: list[Node], after: list[Node], place: str) -> Iterator[PatchOp]:
    # Operations are carried out one after another: once a stretch is done, everything before it looks like `after`.
    for start, end, new_start, new_end in _changed_stretches(before, after):
        both = min(end - start, new_end - new_start)
        for index in range(both):
            yield from _differences(before[start + index], after[new_start + index], f"{place}/{new_start + index}")
        for _ in range(start + both, end):
            yield PatchOp("remove", f"{place}/{new_start + both}")
        for index in range(new_start + both, new_end):
            yield PatchOp("add", f"{place}/{index}", render(after[index]).decode())


def _changed_stretches(before: list[Node], after: list[Node]) -> Iterator[tuple[int, int, int, int]]:
    """Pairs of slices, (start, end) of ``before`` and of ``after``, that stand for each other and differ."""
    head = 0
    while head < min(len(before), len(after)) and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < min(len(before), len(after)) - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    end, new_end = len(before) - tail, len(after) - tail
    if (end - head) * (new_end - head) > _ALIGNED:
        yield head, end, head, new_end
        return
    old, new = [_key(node) for node in before[head:end]], [_key(node) for node in after[head:new_end]]
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            yield head + i1, head + i2, head + j1, head + j2


def _key(node: Node) -> object:
    """A hashable stand-in, equal for equal nodes."""
    match node:
        case dict():
            return frozenset((name, _key(value)) for name, value in node.items())
        case list():
            return tuple(_key(value) for value in node)
        case _:
            return node
