"""The one rule for values that are given for playground variables: to a start over REST, a replay or a pin."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from mulligan.core.naming import did_you_mean
from mulligan.core.records import EVERY_STEP, Overrides, Variable
from mulligan.engine.validation import problems_in, raise_for
from mulligan.errors import InvalidInput, Problem


def check_values(given: Overrides, known: Callable[[str], Mapping[str, str]]) -> list[str]:
    """A value must be for a variable that the step's code is known to read, and fit its type.

    ``known``: name of a step, or ``*`` for all that will run → variable → JSON Schema as text. Raises InvalidInput,
    with ``unknown_variable`` for a name. Where no variable at all is known nothing can be refused: the code may read
    them all the same, or begin to in the version that runs. Then a warning is returned.
    """
    problems: list[Problem] = []
    warnings: list[str] = []
    for step, values in given.items():
        schemas = known(step)
        for name, value in values.items():
            where = f"playground variable {name}" + ("" if step == EVERY_STEP else f" of step {step}")
            if name in schemas:
                problems += problems_in(value.encode(), schemas[name], where)
            elif schemas:
                raise _unknown(name, sorted(schemas), where)
        if not schemas and values:
            never = "No step that would run was ever" if step == EVERY_STEP else f"{step} was never"
            names = ", ".join(values)
            warnings.append(f"{never} seen to read a playground variable: {names} will probably do nothing.")
    raise_for(problems)
    return warnings


def schemas_seen(seen: Iterable[Variable], step: str) -> dict[str, str]:
    """Variable → schema, of what a step's code is known to read, or any step's for ``*``."""
    return {variable.name: variable.schema for variable in seen if step in (EVERY_STEP, variable.step)}


def _unknown(name: str, known: list[str], where: str) -> InvalidInput:
    listed = ", ".join(known) or "none"
    return InvalidInput(
        f"No code that would run reads a playground variable named {name!r}. Known here: {listed}."
        f"{did_you_mean(name, known)}",
        code="unknown_variable",
        problems=(Problem(f"/{name}", f"unknown variable; known: {listed}", where),),
    )
