"""JSON documents, edited without loss: every number keeps its literal, every object the order of its members.

A payload is the text that the user's side wrote. Python's numbers cannot carry it (1.10 becomes 1.1, 1e400 infinity),
so a number is kept as the letters it was written with and compared by the value that they stand for. Everything that
is broken about a document or an edit is told with ``InvalidInput`` and the JSON Pointer of the place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from json import JSONDecoder
from typing import Any, Final, NoReturn, TypeAlias, TypeVar

import jsonpatch
import jsonpointer
import msgspec

from mulligan.core.limits import MESSAGE
from mulligan.core.records import Patch, PatchOp
from mulligan.errors import InvalidInput, Problem, TooLarge

LONGEST_FRACTION = 1_000
"""Characters of a number with a fraction or an exponent: Python refuses to compute with much longer exponents."""

_ALIGNED = 40_000
"""Lists are aligned item by item up to this product of lengths; beyond it the search would be felt."""

_NOTHING: Final[Any] = object()


class Number:
    """A number as written. Equal to another when both have the same value: 1.10 == 1.1 == 11e-1, and -0 == 0."""

    __slots__ = ("literal",)

    def __init__(self, literal: str) -> None:
        self.literal = literal

    def __repr__(self) -> str:
        return f"Number({self.literal!r})"

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
    try:
        node: Node = _NODES.decode(text.decode())
        return node
    except RecursionError as error:
        raise _broken("", "is nested too deeply") from error
    except ValueError as error:
        raise _broken("", f"is not JSON: {error}") from error


def render(node: Node) -> bytes:
    """The compact text of a node. Raises ``InvalidInput`` for a lone surrogate, which no UTF-8 can hold, and for more
    levels than can be written."""
    try:
        return _WRITER.encode(node)
    except RecursionError as error:
        raise _broken("", "is nested too deeply") from error
    except UnicodeEncodeError as error:
        raise _broken("", "holds half a surrogate pair, which is no character") from error


def assemble(parts: Sequence[tuple[str, bytes]]) -> bytes:
    """An object made of values that stay as they are, byte for byte."""
    return b"{" + b",".join(render(name) + b":" + value for name, value in parts) + b"}"


def split_object(text: bytes) -> dict[str, bytes]:
    """The members of an object, each the exact slice of ``text`` that it stands in. Raises ``InvalidInput``."""
    return {name: bytes(value) for name, value in _slices(_MEMBERS, text, "").items()}


# ── Edits ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def values_before(text: bytes, patch: Patch) -> list[bytes | None]:
    """What stands at the path of each operation at the moment when it is carried out, after those before it; None
    where nothing stands. Raises ``InvalidInput`` and ``TooLarge`` as ``apply_patch`` does, and ``TooLarge`` when the
    values together are that much more than the document: a short patch can name a large place again and again."""
    node = parse(text)
    values: list[bytes | None] = []
    added = size = 0
    for operation in patch:
        added = _grown(added, node, operation)
        found = _NOTHING if operation.op == "add" else _found(node, operation.path)
        before = None if found is _NOTHING else render(found)
        size += len(before or b"")
        if size > len(text) + MESSAGE:
            raise TooLarge("The edit changes the same large places many times. Say it with fewer operations.")
        values.append(before)
        node = _apply(node, operation)
    return values


def apply_patch(text: bytes, patch: Patch) -> bytes:
    """The document after an RFC 6902 patch. An empty patch returns the very same bytes.

    Raises ``InvalidInput`` with the path of the operation that cannot be carried out, and ``TooLarge`` for what adds
    more than any step may be called with: ``copy`` operations could otherwise double a document without end.
    """
    if not patch:
        return text
    node = parse(text)
    added = 0
    for operation in patch:
        added = _grown(added, node, operation)
        node = _apply(node, operation)
    return render(node)


def diff(before: bytes, after: bytes) -> Patch:
    """The edit that turns ``before`` into ``after``, at the deepest places that differ.

    ``apply_patch(before, diff(before, after))`` is JSON-equal to ``after``. White space, the order of members and the
    spelling of a number (1.0 for 1) are no edit.
    """
    if before == after:
        return ()
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


def set_in_any(path: str, value: str) -> Patch:
    """The edit of ``set_path`` for documents that are not at hand, as in a bulk replay.

    A member is set whether or not it is there; an item of a list has to be there, and so has everything on the way.
    """
    tokens = _tokens_of_pointer(path) if path.startswith("/") else _tokens_of_path(path)
    is_item = bool(tokens) and bool(_INDEX.fullmatch(tokens[-1]))
    return (PatchOp("replace" if is_item else "add", _pointer(tokens), value.strip()),)


# ── Reading and writing text ─────────────────────────────────────────────────────────────────────────────────────────

_INDEX = re.compile(r"0|[1-9][0-9]{0,17}")
Slices = TypeVar("Slices", dict[str, msgspec.Raw], list[msgspec.Raw])


def _fraction(literal: str) -> Number:
    if len(literal) > LONGEST_FRACTION:
        raise ValueError(f"a number is longer than {LONGEST_FRACTION} characters")
    return Number(literal)


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _members(pairs: list[tuple[str, Node]]) -> dict[str, Node]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("an object has two members of the same name")
    return members


def _literal(number: object) -> msgspec.Raw:
    assert isinstance(number, Number)
    return msgspec.Raw(number.literal.encode())


# The standard library hands over the letters of every number, msgspec only those of fractions: it would make 0 of -0.
_NODES = JSONDecoder(parse_int=Number, parse_float=_fraction, parse_constant=_no_number, object_pairs_hook=_members)
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_WRITER = msgspec.json.Encoder(enc_hook=_literal)


def _slices(decoder: msgspec.json.Decoder[Slices], text: bytes, place: str) -> Slices:
    try:
        return decoder.decode(text)
    except RecursionError as error:
        raise _broken(place, "is nested too deeply") from error
    except msgspec.ValidationError as error:
        raise _broken(place, "must be an object") from error
    except ValueError as error:
        raise _broken(place, f"is not JSON: {error}") from error


def _broken(path: str, rule: str) -> InvalidInput:
    return InvalidInput(f"{path or 'The document'}: {rule}.", problems=(Problem(path, rule),))


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
    except RecursionError as error:
        raise _broken(operation.path, "is nested too deeply") from error


def _rule(operation: PatchOp, error: Exception) -> str:
    """What is wrong, in words of our own: the library's quote the document, which may hold secrets."""
    match error:
        case jsonpatch.JsonPatchTestFailed():
            return "the value that the edit expects here is not there"
        case jsonpatch.InvalidJsonPatch():
            return f"the operation {operation.op!r} lacks a part that it needs"
        case _:
            return _no_place(operation)


def _no_place(operation: PatchOp) -> str:
    return f"there is no such place in the document to {operation.op}"


def _grown(added: int, node: Node, operation: PatchOp) -> int:
    """``added`` and what ``operation`` adds. Raises ``TooLarge``."""
    added += _growth(node, operation)
    if added > MESSAGE:
        raise TooLarge(f"The edit would add more than {MESSAGE:,} bytes to the document. Copy less of it.")
    return added


def _growth(node: Node, operation: PatchOp) -> int:
    """Bytes that an operation can add at most."""
    if operation.op == "copy" and operation.from_ is not None:
        copied = _found(node, operation.from_)
        if copied is _NOTHING:
            raise _broken(operation.from_, _no_place(operation))
        return len(render(copied))
    return len(operation.value or "")


def _found(node: Node, pointer: str) -> Any:
    """What stands there; _NOTHING for a place that is not there, past the end of a list, or no pointer at all."""
    try:
        found = jsonpointer.resolve_pointer(node, pointer, _NOTHING)
    except jsonpointer.JsonPointerException:
        return _NOTHING
    return _NOTHING if isinstance(found, jsonpointer.EndOfList) else found


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
