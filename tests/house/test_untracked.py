"""What the garbage collector does not look at (``gc=False``) can never be freed once it is part of a cycle, so that it
may hold plain values only: no callables, no futures, no errors, nothing of unknown type."""

from __future__ import annotations

import enum
import importlib
import pkgutil
import types
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest

import mulligan

PLAIN = (str, bytes, bool, int, float, complex, type(None), datetime, timedelta, enum.Enum, msgspec.Raw)
CONTAINERS = (tuple, list, dict, set, frozenset, Union, types.UnionType)


def untracked() -> Iterator[type[msgspec.Struct]]:
    for module in pkgutil.walk_packages(mulligan.__path__, "mulligan."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    waiting = [msgspec.Struct]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.startswith("mulligan.") and not kind.__struct_config__.gc:
            yield kind


def is_plain(annotation: Any, inside: tuple[type, ...] = ()) -> bool:
    origin = get_origin(annotation)
    if origin is Literal or annotation is Ellipsis or annotation in inside:
        return True
    if origin is not None:
        return origin in CONTAINERS and all(is_plain(part, inside) for part in get_args(annotation))
    if not isinstance(annotation, type):
        return False
    if issubclass(annotation, msgspec.Struct):
        return not others(annotation, inside)
    return issubclass(annotation, PLAIN)


def others(kind: type[msgspec.Struct], inside: tuple[type, ...] = ()) -> dict[str, Any]:
    """Its fields that are not plain."""
    return {name: hint for name, hint in get_type_hints(kind).items() if not is_plain(hint, (*inside, kind))}


def name_of(kind: type[msgspec.Struct]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


UNTRACKED: list[type[msgspec.Struct]] = sorted(untracked(), key=name_of)


@pytest.mark.parametrize("kind", UNTRACKED, ids=name_of)
def test_what_is_not_tracked_holds_plain_values(kind: type[msgspec.Struct]) -> None:
    assert not others(kind), "declared with gc=False"


class Answer(msgspec.Struct, gc=False):
    error: Exception | None


def test_an_error_is_not_plain() -> None:
    assert list(others(Answer)) == ["error"]
