"""Errors as RFC 9457 problem details. Bad input is always the caller's 4xx, never a 500."""

from __future__ import annotations

from http import HTTPStatus

from mulligan.errors import InvalidInput, MulliganError
from mulligan.wire.rest.problems import BrokenRule, ProblemDetails


def problem_of(error: MulliganError, instance: str | None = None) -> ProblemDetails:
    """What the caller is told about ``error``."""
    problems = error.problems if isinstance(error, InvalidInput) else ()
    return problem(
        error.status,
        error.code,
        str(error),
        [BrokenRule(where=broken.where, path=broken.path, rule=broken.rule) for broken in problems],
        instance,
    )


def problem(
    status: int, code: str, detail: str, problems: list[BrokenRule] | None = None, instance: str | None = None
) -> ProblemDetails:
    return ProblemDetails(
        type=f"/errors/{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        code=code,
        detail=detail,
        problems=problems or [],
        instance=instance,
    )
