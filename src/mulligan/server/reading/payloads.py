"""JSON texts between records (``str`` and ``bytes``) and shapes (``JsonText``), to the letter."""

from __future__ import annotations

from msgspec import UNSET

from mulligan.core.records import Overrides, Patch, PatchOp
from mulligan.wire.json_text import check
from mulligan.wire.rest.codec import JsonText, Unset
from mulligan.wire.rest.codec import Overrides as GivenOverrides
from mulligan.wire.rest.steps import EditOperation


def shown(text: str | bytes) -> JsonText:
    return JsonText(text)


def shown_or_absent(text: str | bytes | None) -> JsonText | Unset:
    return UNSET if text is None else JsonText(text)


def given(value: JsonText, what: str) -> bytes:
    """The exact text of a payload in a request. Raises InvalidInput or TooLarge, naming it as ``what``."""
    text = bytes(value)
    check(text, what)
    return text


def given_overrides(overrides: GivenOverrides) -> Overrides:
    return {
        step: {name: given(value, f"the playground variable {name}").decode() for name, value in values.items()}
        for step, values in overrides.items()
    }


def given_patch(operations: list[EditOperation], what: str) -> Patch:
    return tuple(
        PatchOp(
            op=operation.op,
            path=operation.path,
            value=None if isinstance(operation.value, Unset) else given(operation.value, what).decode(),
            from_=None if isinstance(operation.from_, Unset) else operation.from_,
        )
        for operation in operations
    )


def shown_patch(patch: Patch) -> list[EditOperation]:
    return [
        EditOperation(
            op=operation.op,
            path=operation.path,
            value=shown_or_absent(operation.value),
            from_=UNSET if operation.from_ is None else operation.from_,
        )
        for operation in patch
    ]


def shown_overrides(overrides: Overrides) -> dict[str, dict[str, JsonText]]:
    return {step: {name: shown(value) for name, value in values.items()} for step, values in overrides.items()}
