"""Refusals as they come over the wire, turned back into the errors that they were."""

from __future__ import annotations

from mulligan.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    MulliganError,
    NotFound,
    Problem,
    Refused,
    TooLarge,
    Unauthorized,
    Unavailable,
)
from mulligan.sdk.transports.link import LinkClosed
from mulligan.wire.rest.codec import read
from mulligan.wire.rest.problems import ProblemDetails

_BY_STATUS: dict[int, type[MulliganError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    503: Unavailable,
}
_BY_CODE: dict[str, type[MulliganError]] = {
    "already_exists": Conflict,
    "conflict": Conflict,
    "disk_full": Unavailable,
    "forbidden": Forbidden,
    "foreign_database": Unavailable,
    "idempotency_conflict": Conflict,
    "newer_schema": Unavailable,
    "no_right": Unavailable,
    "not_finished": Conflict,
    "not_found": NotFound,
    "parent_over": Conflict,
    "plan_outdated": Conflict,
    "store_damaged": Unavailable,
    "store_locked": Unavailable,
    "store_unavailable": Unavailable,
    "too_large": TooLarge,
    "unauthorized": Unauthorized,
    "unavailable": Unavailable,
}


def error_of(code: str, message: str) -> MulliganError:
    """The error that a stable code stands for."""
    if code.startswith("invalid") or code == "too_deep":
        return InvalidInput(message, code=code)
    if code.startswith("unknown_"):
        return NotFound(message, code=code)
    return _BY_CODE.get(code, Refused)(message, code=code)


def final_or_closed(error: MulliganError) -> MulliganError:
    """What a session that the server has ended is to raise: the refusal, or ``LinkClosed`` if trying again may help."""
    if isinstance(error, Unauthorized | Forbidden | InvalidInput) or error.code == "protocol":
        return error
    return LinkClosed(str(error))


def error_of_answer(status: int, body: bytes) -> MulliganError:
    """The error that an HTTP answer stands for, also when a proxy wrote it and not Mulligan."""
    try:
        problem = read(ProblemDetails, body, "the answer")
    except MulliganError:
        kind: type[MulliganError] = Unavailable if status >= 500 else Refused
        text = body[:200].decode(errors="replace").strip()
        return kind(f"The server answered with HTTP {status} and no explanation: {text or 'nothing'}.")
    if status in (400, 422):
        broken = tuple(Problem(rule.path, rule.rule, rule.where) for rule in problem.problems)
        return InvalidInput(problem.detail, code=problem.code, problems=broken)
    kind = _BY_STATUS.get(status, Unavailable if status >= 500 else Refused)
    return kind(problem.detail, code=problem.code)
