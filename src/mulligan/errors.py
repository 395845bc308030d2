"""One tree of errors, cut by whose fault it is. Each has a stable ``code`` and says what to do next.

``UserError``: the caller's code or data. ``Refused`` (and below): a request that cannot be carried out as asked.
``Unavailable``: nobody's fault that the caller could mend; the same call may work later.
"""

from __future__ import annotations


class MulliganError(Exception):
    """The root. ``code`` is stable (docs/reference/errors.md); ``str(error)`` is a sentence for people."""

    code = "error"
    status = 500

    def __init__(self, message: str, *, code: str | None = None, **detail: object) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code
        self.detail = detail


class DeclarationError(MulliganError):
    """A workflow, task or step is declared in a way that cannot work. Raised at import time, with file:line."""

    code = "declaration"
    status = 400


class Refused(MulliganError):
    """The request cannot be carried out as asked; nothing was changed."""

    code = "refused"
    status = 400


class InvalidInput(Refused):
    """Data that breaks a rule. ``problems`` lists path and rule of each."""

    code = "invalid_input"
    status = 422

    def __init__(self, message: str, *, code: str | None = None, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(message, code=code)
        self.problems = problems


class Problem:
    """One broken rule: ``path`` is a JSON Pointer into the document that ``where`` names, ``rule`` a sentence."""

    __slots__ = ("path", "rule", "where")

    def __init__(self, path: str, rule: str, where: str = "") -> None:
        self.path = path
        self.rule = rule
        self.where = where

    def __repr__(self) -> str:
        return f"Problem({self.path!r}, {self.rule!r}, {self.where!r})"


class NotFound(Refused):
    """There is no such thing in this namespace."""

    code = "not_found"
    status = 404


class Conflict(Refused):
    """The state is not what the request takes for granted (already finished, plan outdated, key used otherwise)."""

    code = "conflict"
    status = 409


class Unauthorized(Refused):
    """No token, an unknown one, or one that has expired."""

    code = "unauthorized"
    status = 401


class Forbidden(Refused):
    """The token is good but does not allow this."""

    code = "forbidden"
    status = 403


class TooLarge(Refused):
    """A payload, request or list is larger than the published limit."""

    code = "too_large"
    status = 413


class Unavailable(MulliganError):
    """Not now. Nothing was accepted; try again."""

    code = "unavailable"
    status = 503


class StoreUnavailable(Unavailable):
    """The database cannot be used right now (locked, full, unreachable)."""

    code = "store_unavailable"


class StoreConflict(MulliganError):
    """A unique key exists already. Inside the engine only: it finds the one command that caused it."""

    code = "store_conflict"
    status = 409
