"""JSON at the user's edge: Python values into exact JSON text and back, by their annotated types.

Pydantic does the work; it is imported with the first value and not with the SDK. Everything that leaves here has
passed ``wire.json_text.check``, the gate that all payloads pass.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from types import GeneratorType
from typing import TYPE_CHECKING, Any

from mulligan.errors import InvalidInput, Problem
from mulligan.sdk.declare.signature import Value
from mulligan.sdk.declare.source import Where

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError


def _members(value: object) -> object:
    return list(value) if isinstance(value, set | frozenset) else None


# Only for its complaints: JSON has no such numbers, and Pydantic writes null for them without a word.
_REFUSE_NAN = json.JSONEncoder(allow_nan=False, skipkeys=True, default=_members).encode


SHORT = 1_000
"""Bytes. In a text of no more than this, made of plain values, nothing can be that ``check`` would refuse."""

_PLAIN: tuple[Any, ...] = (str, int, bool)

_READ_ONCE = frozenset({GeneratorType, map, filter, zip, enumerate, reversed})
"""Pydantic looks at a value more than once, and finds these empty the second time."""


class ValueCodec:
    """One annotated type. ``what`` names the value in errors ("the output of step 'fetch'")."""

    _own_typed_dicts: int | None = None
    """How many TypedDicts need no checking in what starts a run. None for what starts none."""

    def __init__(self, annotation: Any, what: str) -> None:
        self._annotation = annotation
        self._what = what

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        from pydantic import TypeAdapter  # a third of a second that `import mulligan` shall not take

        return TypeAdapter(self._annotation)

    @cached_property
    def _write(self) -> Callable[..., bytes]:
        # not through the adapter's methods: they cost more than the work, and every run pays for several
        return self._adapter.serializer.to_json

    @cached_property
    def _read(self) -> Callable[..., Any]:
        return self._adapter.validator.validate_json

    @cached_property
    def _check(self) -> Callable[[bytes, str], None]:
        from mulligan.wire.json_text import check

        return check

    def encode(self, value: Any) -> bytes:
        """The JSON text of ``value``, which may also be anything that Pydantic accepts for the type.

        Raises ``InvalidInput`` when it is not of the annotated type (code ``invalid_value``) or cannot be written as
        JSON (``not_serializable``), ``TooLarge`` beyond 4 MiB.
        """
        plain = self._is_plain(value)
        if not plain and type(value) in _READ_ONCE:
            value = list(value)
        try:
            text = self._write(value) if plain else self._write(value, warnings="error")
        except _not_writable() as error:
            value, text = self._encode_accepted(value, error)
        else:
            if plain and len(text) <= SHORT:
                return text
        if b"null" in text or b"NaN" in text or b"Infinity" in text:
            self._refuse_nan(value)
        self._check(text, self._what)
        if self._own_typed_dicts is not None and not plain and (b"null" in text or self._holds_typed_dicts):
            self.decode(text)
        return text

    @cached_property
    def _holds_typed_dicts(self) -> bool:
        """Pydantic writes a TypedDict with whatever members are there, as it writes None for any type."""
        return _typed_dicts_in(self._adapter.core_schema) > (self._own_typed_dicts or 0)

    def _is_plain(self, value: Any) -> bool:
        """True when it cannot be of a wrong type; asking Pydantic costs ten times more than writing it."""
        return value is None is self._annotation or (type(value) is self._annotation and self._annotation in _PLAIN)

    def _encode_accepted(self, value: Any, error: Exception) -> tuple[Any, bytes]:
        """Not of the type: perhaps something that the type can be made of, such as a dict for a model."""
        try:
            accepted = self._adapter.validate_python(value)
        except _not_valid() as refused:
            raise invalid(refused, self._what, "invalid_value") from None
        try:
            return accepted, self._write(accepted, warnings="error")
        except _not_writable():
            raise not_serializable(self._what, value, str(error)) from None

    def _refuse_nan(self, value: Any) -> None:
        """A null may be a None or have been a NaN; and the words may be letters of a string."""
        try:
            _REFUSE_NAN(self._adapter.dump_python(value))
        except ValueError as error:
            raise not_serializable(self._what, value, f"{error}; JSON has no NaN and no Infinity") from None

    def decode(self, text: bytes | str, *, strict: bool = False) -> Any:
        """The value of a JSON text. ``strict``: ``"3"`` is no int. Raises ``InvalidInput`` (``invalid_value``)."""
        try:
            return self._read(text, strict=strict or None)
        except _not_valid() as error:
            raise invalid(error, self._what, "invalid_value") from None

    def schema(self, *, written: bool) -> dict[str, Any]:
        """JSON Schema (2020-12) of what ``encode`` writes, or of what ``decode`` reads.

        Raises Pydantic's errors for types that have none.
        """
        return self._adapter.json_schema(mode="serialization" if written else "validation")


class InputCodec(ValueCodec):
    """What a workflow is started with. It is refused there if no step could read it."""

    _own_typed_dicts = 0


class OutputCodec(ValueCodec):
    """What a step returns. One that does not fit is told with its type, never its value, and where the step is."""

    def __init__(self, annotation: Any, what: str, at: Where) -> None:
        super().__init__(annotation, what)
        # the same on every machine: it is recorded, and read in a dashboard
        self._at = f"{at.portable}:{at.line}"

    def encode(self, value: Any) -> bytes:
        if value is None and not self._may_be_none:
            raise self._misfit(f"{self._what} does not fit its type: got None: is a `return` missing?", ())
        return super().encode(value)

    @cached_property
    def _may_be_none(self) -> bool:
        """Pydantic writes None for any type."""
        try:
            self._adapter.validate_python(None)
        except _not_valid():
            return False
        return True

    def _encode_accepted(self, value: Any, error: Exception) -> tuple[Any, bytes]:
        if inspect.iscoroutine(value):
            value.close()  # nobody will await it, and Python need not warn of that as well
            raise self._misfit(f"{self._what} does not fit its type: got a coroutine: is an `await` missing?", ())
        try:
            return super()._encode_accepted(value, error)
        except InvalidInput as refused:
            if refused.code != "invalid_value":
                raise
            text = f"{str(refused).removesuffix('.')}; got {type(value).__name__}."
            raise self._misfit(text, refused.problems) from None

    def _misfit(self, text: str, problems: tuple[Problem, ...]) -> InvalidInput:
        return InvalidInput(f"{self._at}: {text[0].lower()}{text[1:]}", code="invalid_value", problems=problems)


class DocumentCodec(ValueCodec):
    """The input document of a step: one member per argument. ``origins`` says where each comes from."""

    _own_typed_dicts = 1  # the document, whose members Python's rules of calls have been applied to

    def __init__(self, title: str, values: Iterable[Value], origins: Mapping[str, str], what: str) -> None:
        super().__init__(None, what)
        self._title = title
        self._values = tuple(values)
        self._origins = origins

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        from typing import NotRequired

        from pydantic import ConfigDict, TypeAdapter, with_config
        from typing_extensions import TypedDict

        members = {v.name: v.annotation if v.required else NotRequired[v.annotation] for v in self._values}
        # a TypedDict and not a model: any argument name is allowed, and parsing gives keyword arguments
        document = TypedDict(self._title, members)  # type: ignore[misc] # made from what was read at run time
        return TypeAdapter(with_config(ConfigDict(extra="forbid"))(document))

    def _is_plain(self, value: Any) -> bool:
        kinds = self._plain_kinds
        if kinds is None:
            return False
        for name, one in value.items():  # noqa: SIM110 - all() of a generator takes three times as long
            if type(one) is not kinds[name]:
                return False
        return True

    @cached_property
    def _plain_kinds(self) -> dict[str, type] | None:
        kinds = {value.name: value.annotation for value in self._values}
        return kinds if all(kind in _PLAIN for kind in kinds.values()) else None

    def document_schema(self) -> dict[str, Any]:
        """JSON Schema of the document. ``x-mulligan-from`` says for each member where its value comes from."""
        schema = self.schema(written=False)
        members: dict[str, Any] = schema.setdefault("properties", {})
        for value in self._values:
            members[value.name]["x-mulligan-from"] = self._origins.get(value.name, "default")
            if not value.required:
                text = ValueCodec(value.annotation, f"the default of {value.name!r}").encode(value.default)
                members[value.name]["default"] = json.loads(text)
        return schema


def _typed_dicts_in(schema: object) -> int:
    """In a schema of pydantic-core."""
    if isinstance(schema, dict):
        return (schema.get("type") == "typed-dict") + sum(map(_typed_dicts_in, schema.values()))
    return sum(map(_typed_dicts_in, schema)) if isinstance(schema, list | tuple) else 0


def _not_valid() -> type[ValidationError]:
    """Asked for only when something has been raised, so that nobody else pays for the import."""
    from pydantic import ValidationError

    return ValidationError


def _not_writable() -> type[Exception]:
    from pydantic_core import PydanticSerializationError

    return PydanticSerializationError


def invalid(error: ValidationError, what: str, code: str) -> InvalidInput:
    """Pydantic's findings as ours: a sentence with the first, and all of them as problems."""
    problems = tuple(
        Problem("".join(f"/{part}" for part in found["loc"]), found["msg"], what)
        for found in error.errors(include_url=False, include_context=False, include_input=False)
    )
    shown = "; ".join(f"{problem.path or 'the value'}: {problem.rule}" for problem in problems[:3])
    more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
    return InvalidInput(f"{what} does not fit its type: {shown}{more}.", code=code, problems=problems)


def not_serializable(what: str, value: object, why: str) -> InvalidInput:
    return InvalidInput(
        f"{what} ({type(value).__name__}) cannot be written as JSON: {why}. Return plain data, a dataclass or a "
        "Pydantic model.",
        code="not_serializable",
    )


def encode_any(value: Any, what: str) -> bytes:
    """The JSON text of a value of no particular type: an edit, an override, a stub."""
    return ValueCodec(Any, what).encode(value)
