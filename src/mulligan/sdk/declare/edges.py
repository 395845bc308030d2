"""``after``: an edge of the graph as the typed default of an argument."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from mulligan.sdk.declare.source import mistake, where_called

if TYPE_CHECKING:
    from mulligan.sdk.declare.declaration import StepDeclaration
    from mulligan.sdk.workflow import Step

R = TypeVar("R")


class After:
    """The default value that ``after`` leaves in a signature: this argument is the output of ``parent``."""

    __slots__ = ("parent",)

    def __init__(self, parent: StepDeclaration) -> None:
        self.parent = parent

    def __repr__(self) -> str:
        return f"after({self.parent.name})"


def after(step: Step[..., Any, R]) -> R:
    """The output of an earlier step of the same workflow: ``text: str = after(fetch)``.

    To type checkers it *is* that output, so that an argument of another type is an error while you type.
    For an edge that only orders, write ``@wf.step(after=[fetch])``. Raises DeclarationError.
    """
    declaration = getattr(step, "declaration", None)
    if declaration is None or declaration.signature is None:
        raise mistake(
            where_called(),
            f"after({getattr(step, '__name__', repr(step))}) needs a step that has a result",
            "Pass a function that is decorated with @wf.step further up; a sleep goes into after=[…] of the decorator",
        )
    return cast(R, After(declaration))
