"""Playground values for a run that is to be started, held against what the workflow's code is known to read.

A replay's are checked by the engine, with the run that it replays; here nothing has run yet.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from mulligan.app.naming import did_you_mean
from mulligan.core.replay import ReplayRequest, Selection, check_targets
from mulligan.engine.validation import problems_in, raise_for
from mulligan.errors import InvalidInput, Problem
from mulligan.wire.rest.workflows import WorkflowDetail

EVERY_STEP = "*"


def check_playground(given: Mapping[str, Mapping[str, msgspec.Raw]], workflow: WorkflowDetail) -> list[str]:
    """Raises InvalidInput, in the words of a replay, for an unknown step or variable and for values that do not fit.

    Returns a warning for each step that is not known to read any variable: its code may all the same.
    """
    chosen = {step: {name: bytes(value).decode() for name, value in values.items()} for step, values in given.items()}
    steps = frozenset(step.name for step in workflow.steps)
    check_targets(ReplayRequest(overrides=chosen), Selection((), steps, {}))
    problems: list[Problem] = []
    warnings: list[str] = []
    for step, values in chosen.items():
        schemas = {
            variable.name: bytes(variable.schema).decode()
            for variable in workflow.variables
            if step in (EVERY_STEP, variable.step)
        }
        for name, value in values.items():
            where = f"playground variable {name}" + ("" if step == EVERY_STEP else f" of step {step}")
            if name in schemas:
                problems += problems_in(value.encode(), schemas[name], where)
            elif schemas or step == EVERY_STEP:
                raise _unknown(name, sorted(schemas), where)
        if not schemas:
            warnings.append(f"{step} is not known to read a playground variable: {', '.join(values)} may do nothing.")
    raise_for(problems)
    return warnings


def _unknown(name: str, known: list[str], where: str) -> InvalidInput:
    listed = ", ".join(known) or "none"
    return InvalidInput(
        f"No code that would run reads a playground variable named {name!r}. Known here: {listed}."
        f"{did_you_mean(name, known)}",
        code="unknown_variable",
        problems=(Problem(f"/{name}", f"unknown variable; known: {listed}", where),),
    )
