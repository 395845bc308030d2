"""The text of a query for runs, read into a ``RunFilter``.

``status:failed workflow:summarise error:~RateLimit input.lang:fr attempt:>1 since:24h -tag.team:web some words``

Terms are parted by spaces and must all hold; terms of one name that stand for a column (``status:failed
status:cancelled``) are alternatives. Values with spaces or quotes are quoted: ``error:~"rate limit"``. Nothing else is
guessed: what is not understood is refused with its place in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from mulligan.core.naming import did_you_mean
from mulligan.core.query import FieldTest, RunFilter
from mulligan.errors import InvalidInput, Problem

MAX_LENGTH = 4_000
MAX_TERMS = 50

_STATUSES = ("queued", "running", "succeeded", "failed", "cancelled")
_KEY = re.compile(r"[A-Za-z_][\w-]*(?:\.[\w-]+)*(?=:(?!//))")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*+)"', re.DOTALL)
_BARE = re.compile(r"\S*")
_SPAN = re.compile(r"(\d{1,9})(ms|s|m|h|d|w)")
_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

# What each name stands for: several terms of one of these are alternatives.
_COLUMNS = {
    "id": "ids",
    "status": "statuses",
    "workflow": "workflows",
    "version": "versions",
    "step": "failed_steps",
    "fingerprint": "fingerprints",
    "error": "error_types",
    "source": "source_ids",
    "parent": "parent_ids",
    "bulk": "bulk_ids",
    "family": "family_ids",
}
_EXCLUDING = {"status": "not_statuses", "workflow": "not_workflows"}
_NAMES = (*_COLUMNS, "since", "until", "attempt", "replay", "input.<field>", "tag.<name>")


@dataclass(frozen=True, slots=True)
class _Term:
    key: str
    sign: str
    value: str
    negated: bool
    at: int


def parse_query(text: str, now: datetime) -> RunFilter:
    """The filter that ``text`` describes; spans such as ``since:24h`` count back from ``now``.

    Raises InvalidInput (bad_query) with the position of the term that is not understood.
    """
    if len(text) > MAX_LENGTH or "\0" in text:
        _refuse(0, f"a query is at most {MAX_LENGTH:,} characters long and has no NUL in it")
    wanted = RunFilter()
    for count, term in enumerate(_terms(text)):
        if count == MAX_TERMS:
            _refuse(term.at, f"a query has at most {MAX_TERMS} terms")
        wanted = _add(wanted, term, now)
    return wanted


def _terms(text: str) -> list[_Term]:
    terms: list[_Term] = []
    at = _skip_space(text, 0)
    while at < len(text):
        start = at
        negated = text[at] == "-" and not text[at + 1 : at + 2].isspace() and at + 1 < len(text)
        at += negated
        key = _KEY.match(text, at)
        sign = ""
        if key is not None:
            at = key.end() + 1
            sign = next((sign for sign in (">=", "<=", ">", "<", "~") if text.startswith(sign, at)), "")
            at += len(sign)
        value, at = _value(text, at)
        name = "" if key is None else key.group()
        if name and value == "" and text[at - 1] != '"':
            _refuse(start, f"{name}: needs a value after the colon")
        terms.append(_Term(name, sign, value, negated, start))
        at = _skip_space(text, at)
    return terms


def _value(text: str, at: int) -> tuple[str, int]:
    if text.startswith('"', at):
        quoted = _QUOTED.match(text, at)
        if quoted is None:
            _refuse(at, "this quote is not closed")
        return re.sub(r"\\(.)", r"\1", quoted[1], flags=re.DOTALL), quoted.end()
    bare = _BARE.match(text, at)
    assert bare is not None
    return bare.group(), bare.end()


def _skip_space(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _add(wanted: RunFilter, term: _Term, now: datetime) -> RunFilter:
    if term.key == "":
        return _add_word(wanted, term)
    head, _, path = term.key.partition(".")
    if path and head in ("input", "tag"):
        return _add_field(wanted, term, head, tuple(path.split(".")))
    if term.key in _COLUMNS:
        return _add_column(wanted, term)
    if term.key in _SINGLE:
        if term.negated:
            _refuse(term.at, f"{term.key} cannot be excluded; only status, workflow and tag.<name> can")
        return _SINGLE[term.key](wanted, term, now)
    near = did_you_mean(term.key, _NAMES)
    _refuse(term.at, f"there is no {term.key!r} to ask for.{near} There are {', '.join(_NAMES)}")


def _add_word(wanted: RunFilter, term: _Term) -> RunFilter:
    if term.negated:
        _refuse(term.at, "words cannot be excluded; only status, workflow and tag.<name> can")
    return replace(wanted, text=(*wanted.text, term.value))


def _add_field(wanted: RunFilter, term: _Term, head: str, path: tuple[str, ...]) -> RunFilter:
    _plain(term)
    if head == "tag":
        # A tag's name may hold dots itself: metadata is flat.
        test = FieldTest((".".join(path),), term.value)
        if term.negated:
            return replace(wanted, not_tags=(*wanted.not_tags, test))
        return replace(wanted, tags=(*wanted.tags, test))
    if term.negated:
        _refuse(term.at, "fields of the input cannot be excluded; only status, workflow and tag.<name> can")
    return replace(wanted, inputs=(*wanted.inputs, FieldTest(path, term.value)))


def _add_column(wanted: RunFilter, term: _Term) -> RunFilter:
    if term.key == "error" and term.sign == "~" and not term.negated:
        return replace(wanted, error_contains=(*wanted.error_contains, term.value))
    _plain(term)
    if term.key == "status" and term.value not in _STATUSES:
        near = did_you_mean(term.value, _STATUSES)
        _refuse(term.at, f"there is no status {term.value!r}.{near} There are {', '.join(_STATUSES)}")
    column = _COLUMNS[term.key]
    if term.negated:
        if term.key not in _EXCLUDING:
            _refuse(term.at, f"{term.key} cannot be excluded; only status, workflow and tag.<name> can")
        column = _EXCLUDING[term.key]
    changed: dict[str, Any] = {column: (*getattr(wanted, column), term.value)}
    return replace(wanted, **changed)


def _plain(term: _Term) -> None:
    if term.sign:
        _refuse(term.at, f"{term.key} knows no {term.sign!r}; write {term.key}:value")


# ── Names that may be given once ─────────────────────────────────────────────────────────────────────────────────────


def _since(wanted: RunFilter, term: _Term, now: datetime) -> RunFilter:
    return replace(wanted, since_at=_moment(term, now))


def _until(wanted: RunFilter, term: _Term, now: datetime) -> RunFilter:
    return replace(wanted, until_at=_moment(term, now))


def _attempt(wanted: RunFilter, term: _Term, now: datetime) -> RunFilter:
    if term.sign not in (">", ">=") or not term.value.isascii() or not term.value.isdigit() or len(term.value) > 6:
        _refuse(term.at, "write attempt:>1 or attempt:>=2")
    return replace(wanted, min_attempts=int(term.value) + (term.sign == ">"))


def _replay(wanted: RunFilter, term: _Term, now: datetime) -> RunFilter:
    if term.sign or term.value not in ("yes", "no"):
        _refuse(term.at, "write replay:yes or replay:no")
    return replace(wanted, replays_only=term.value == "yes")


_SINGLE: dict[str, Callable[[RunFilter, _Term, datetime], RunFilter]] = {
    "since": _since,
    "until": _until,
    "attempt": _attempt,
    "replay": _replay,
}


def parse_moment(text: str, now: datetime) -> datetime:
    """``24h`` before ``now``, or an instant in ISO 8601 (UTC unless it says otherwise). Raises InvalidInput."""
    return _moment(_Term("since", "", text, negated=False, at=0), now)


def _moment(term: _Term, now: datetime) -> datetime:
    _plain(term)
    span = _SPAN.fullmatch(term.value)
    try:
        if span is not None:
            return now - timedelta(**{_UNITS[span[2]]: int(span[1])})
        at = datetime.fromisoformat(term.value)
        return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        _refuse(term.at, f"{term.key} takes a span such as 24h or 7d, or an instant such as 2026-11-22T09:00Z")


def _refuse(at: int, rule: str) -> NoReturn:
    message = f"The query is not understood at character {at + 1}: {rule}."
    raise InvalidInput(message, code="bad_query", problems=(Problem("", f"character {at + 1}: {rule}", "query"),))
