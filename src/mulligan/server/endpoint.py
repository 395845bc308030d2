"""One line of the API's table: a method, a path, and the plain function that carries it out.

The function's parameters say what the request has: ``call`` (who, where), names of the path, ``query`` and ``body``
(shapes), ``idempotency_key`` (the header). Its return annotation is the shape of the answer.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

import msgspec

from mulligan.errors import Forbidden, InvalidInput, MulliganError, Problem
from mulligan.server.problems import problem_of
from mulligan.server.site import Call
from mulligan.wire.rest.codec import JsonText, Key, Question, Scope, read, write

JSON = "application/json"
PROBLEM = "application/problem+json"
_KEY = msgspec.json.Decoder(Key)


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back. A handler returns one instead of a shape when the status or a header depends on what it did."""

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


class Endpoint:
    """``scope`` None: no token is needed. ``also``: answers with other statuses, for the documentation."""

    def __init__(
        self,
        method: str,
        path: str,
        perform: Callable[..., Awaitable[Any]],
        scope: Scope | None,
        *,
        status: int = 200,
        answer: type | None = None,
        also: Mapping[int, type] | None = None,
    ) -> None:
        hints = get_type_hints(perform)
        names = inspect.signature(perform).parameters
        self.method = method
        self.path = path
        self.perform = perform
        self.scope = scope
        self.status = status
        self.path_names = tuple(re.findall(r"{(\w+)}", path))
        self.query: type[Question] | None = hints.get("query")
        self.body: type[Question] | None = hints.get("body")
        self.takes_key = "idempotency_key" in names
        self.answers: dict[int, type] = {status: answer or hints["return"], **(also or {})}
        self.pattern = re.compile(re.sub(r"{\w+}", "([^/]+)", re.escape(path).replace(r"\{", "{").replace(r"\}", "}")))
        missing = set(names) - {"call", "query", "body", "idempotency_key", *self.path_names}
        assert not missing, f"{perform.__qualname__} wants {missing}, which {method} {path} does not have"

    @property
    def name(self) -> str:
        return self.perform.__name__

    async def reply(
        self,
        call: Call,
        path: Mapping[str, str],
        query: Mapping[str, str],
        body: bytes,
        idempotency_key: str | None,
        instance: str | None = None,
    ) -> Reply:
        """Carry out one request. Never raises for what the caller did wrong: that is a problem in the reply."""
        try:
            if self.scope is not None and not call.caller.may(self.scope):
                raise Forbidden(
                    f"This token may not do that: it lacks the scope {self.scope!r}. "
                    f"Make one that has it: mulligan tokens create NAME --scope {self.scope}."
                )
            arguments = self._arguments(path, query, body, idempotency_key)
            return self._reply(await self.perform(call, **arguments))
        except MulliganError as error:
            return problem_reply(error, instance)

    def _arguments(
        self, path: Mapping[str, str], query: Mapping[str, str], body: bytes, idempotency_key: str | None
    ) -> dict[str, Any]:
        arguments: dict[str, Any] = dict(path)
        if self.query is not None:
            arguments["query"] = read_query(self.query, query)
        if self.body is not None:
            arguments["body"] = read(self.body, body or b"{}")
        if self.takes_key:
            arguments["idempotency_key"] = _checked_key(idempotency_key)
        return arguments

    def _reply(self, answer: object) -> Reply:
        if isinstance(answer, Reply):
            return answer
        if answer is None:
            return Reply(self.status, content_type="")
        if isinstance(answer, JsonText):
            return Reply(self.status, bytes(answer))
        assert isinstance(answer, msgspec.Struct)
        return Reply(self.status, write(answer))


def problem_reply(error: MulliganError, instance: str | None = None) -> Reply:
    return Reply(error.status, write(problem_of(error, instance)), PROBLEM)


def read_query(kind: type[Question], query: Mapping[str, str]) -> Question:
    """The query string as a shape. Raises InvalidInput naming the parameter."""
    try:
        return msgspec.convert(dict(query), kind, strict=False)
    except msgspec.ValidationError as error:
        rule, _, place = str(error).partition(" - at ")
        name = place.strip("`").removeprefix("$.")
        raise InvalidInput(
            f"The query string does not fit: {rule}{f' in {name!r}' if name else ''}.",
            problems=(Problem(f"/{name}" if name else "", rule, "query"),),
        ) from None


def _checked_key(key: str | None) -> str | None:
    """Held to the same rule as in a body."""
    if key is None:
        return None
    try:
        return _KEY.decode(msgspec.json.encode(key))
    except msgspec.ValidationError as error:
        raise InvalidInput(
            f"The Idempotency-Key header does not fit: {error}.", problems=(Problem("", str(error), "Idempotency-Key"),)
        ) from None
