"""How a request is refused: RFC 9457 problem details."""

from __future__ import annotations

from mulligan.wire.rest.codec import Answer


class BrokenRule(Answer, frozen=True, kw_only=True):
    """``path``: a JSON Pointer into the document that ``where`` names."""

    where: str
    path: str
    rule: str


class ProblemDetails(Answer, frozen=True, kw_only=True):
    """RFC 9457. ``code`` is stable; ``detail`` is a sentence: whose fault, what next."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    problems: list[BrokenRule]
    instance: str | None
