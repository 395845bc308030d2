"""The command line's way to a server: finds its address and a token, speaks REST, turns trouble into plain errors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, TypeVar
from urllib.parse import quote, urlencode

import httpx2
import msgspec
from cyclopts import Parameter

from mulligan.app.address import ServerAddress, read_address, read_token_file
from mulligan.app.settings import Settings, load_settings
from mulligan.core.naming import did_you_mean
from mulligan.errors import InvalidInput, Problem, Refused, Unauthorized, Unavailable
from mulligan.sdk.transports.replicas import API, Replicas, address_of
from mulligan.wire.rest.bulks import BulkList
from mulligan.wire.rest.inbox import Inbox
from mulligan.wire.rest.problems import ProblemDetails
from mulligan.wire.rest.runs import RunList
from mulligan.wire.rest.workflows import WorkflowList

_Shape = TypeVar("_Shape", bound=msgspec.Struct)
_TIMEOUT_S = 40.0
"""Longer than the server gives any question: it says so itself before."""
_ID_LENGTH = 26
_LAST_DIGIT = "v"
_SHOWN_NAMES = 10
_BEGINNING = re.compile(r"[0-9a-v]{4,25}")
_FINGERPRINT_BEGINNING = re.compile(r"[0-9a-f]{4,15}")
_EVER = "3650d"


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Target:
    """Which server to talk to."""

    url: Annotated[str | None, Parameter(help="Server address; else MULLIGAN_URL, else the one running here.")] = None
    token: Annotated[str | None, Parameter(help="API token; else MULLIGAN_TOKEN, else the data folder's.")] = None


@dataclass(frozen=True, slots=True)
class Answer:
    """``text`` is the body exactly as the server sent it, ``date`` the header that says when."""

    text: bytes
    date: str | None

    def read(self, kind: type[_Shape]) -> _Shape:
        """The body as one of the shapes of ``wire.rest``; payloads stay text."""
        try:
            return msgspec.json.decode(self.text, type=kind)
        except msgspec.DecodeError as error:
            raise Unavailable(
                f"The server's answer is not understood ({error}). Its version and this command's may be too far "
                "apart: compare `mulligan version` on both sides."
            ) from None


class Server:
    """A REST connection. Raises ``errors.Unavailable`` when there is no answer, ``errors.Refused`` when it says no."""

    def __init__(self, url: str, token: str | None) -> None:
        self._replicas = Replicas(url)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx2.Client(headers=headers, timeout=httpx2.Timeout(_TIMEOUT_S, connect=5.0))

    @property
    def url(self) -> str:
        """Of several replicas, the one that is used."""
        return self._replicas.current

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, **query: object) -> Answer:
        given = {name: value for name, value in query.items() if value is not None}
        return self._ask("GET", f"{path}?{urlencode(given)}" if given else path)

    def post(self, path: str, body: bytes = b"{}", idempotency_key: str | None = None) -> Answer:
        return self._ask("POST", path, body, idempotency_key)

    def delete(self, path: str) -> Answer:
        return self._ask("DELETE", path)

    def run_id(self, text: str) -> str:
        """The whole id of the run that ``text`` is, or begins. Raises InvalidInput when several begin like this."""
        if _BEGINNING.fullmatch(text) is None:
            return text
        # Ids are in the order of their runs, and lists are newest first: what begins with it stands before its end.
        newest = self.get("/runs", cursor=text.ljust(_ID_LENGTH, _LAST_DIGIT), limit=2).read(RunList)
        return _whole(text, (run.id for run in newest.items), "runs")

    def bulk_id(self, text: str) -> str:
        """The same for a bulk replay, of those that are listed."""
        if _BEGINNING.fullmatch(text) is None:
            return text
        return _whole(text, (bulk.id for bulk in self.get("/replays").read(BulkList).items), "bulk replays")

    def fingerprint(self, text: str) -> str:
        """The same for a failure group, whatever its status."""
        if _FINGERPRINT_BEGINNING.fullmatch(text) is None:
            return text
        groups = self.get("/inbox", status="all", since=_EVER).read(Inbox).items
        return _whole(text, (group.fingerprint for group in groups), "failure groups")

    @contextmanager
    def naming_workflows(self, name: str) -> Iterator[None]:
        """A refusal because no workflow is called ``name`` then also says which one was meant, or which there are."""
        try:
            yield
        except InvalidInput as error:
            if error.code != "unknown_workflow":
                raise
            try:
                known = [item.name for item in self.get("/workflows").read(WorkflowList).items]
            except InvalidInput:  # a token that may not read them
                raise error from None
            listed = f" There are: {', '.join(known[:_SHOWN_NAMES])}." if known else ""
            raise InvalidInput(f"{error}{did_you_mean(name, known) or listed}", code=error.code) from None

    def _ask(self, method: str, path: str, body: bytes | None = None, idempotency_key: str | None = None) -> Answer:
        headers = {b"Content-Type": b"application/json"} if body is not None else {}
        if idempotency_key:
            headers[b"Idempotency-Key"] = idempotency_key.encode()
        address = self.url
        try:
            response = self._http.request(method, f"{address}{API}{path}", content=body, headers=headers)
        except httpx2.ConnectError as error:
            self._replicas.leave(address)
            if self.url != self._replicas.addresses[0]:  # not all have been asked
                return self._ask(method, path, body, idempotency_key)
            raise Unavailable(
                f"No server answers at {address} ({error}). Start one with `mulligan dev app.py:m` or "
                "`mulligan server`, or set MULLIGAN_URL to where it runs."
            ) from None
        except httpx2.InvalidURL as error:
            raise InvalidInput(f"{address!r} is no address of a server: {error}. Write http://host:port.") from None
        except httpx2.TransportError as error:
            raise Unavailable(
                f"The connection to {address} broke ({type(error).__name__}: {error}). Whether the request was "
                "carried out is unknown: look before you repeat it."
            ) from None
        if response.is_success:
            return Answer(response.content, response.headers.get("date"))
        raise _refusal(self.url, response)


def _whole(text: str, known: Iterable[str], what: str) -> str:
    """The one that begins with ``text``; ``text`` itself if none does, for the server to say so."""
    found = [one for one in known if one.startswith(text)]
    if len(found) > 1:
        raise InvalidInput(f"Several {what} begin with {text}, such as {found[0]} and {found[1]}. Give more of the id.")
    return found[0] if found else text


def connect(target: Target | None = None) -> Server:
    """The server that the options, the environment, the settings file or the data folder name."""
    target = target or Target()
    settings = load_settings({"url": target.url, "token": target.token}).settings
    token = settings.token.value if settings.token else None
    local = read_address(settings.address_file)
    if settings.url is None:
        if local is None:
            raise Unavailable(
                f"No server runs on the data folder {settings.data}. Start one with `mulligan dev app.py:m`, "
                "or set MULLIGAN_URL to where it runs."
            )
        return Server(local.url, token or _local_token(settings))
    if token is None and local is not None and _same_server(settings.url, local):
        token = _local_token(settings)
    return Server(settings.url, token)


def quoted(part: str) -> str:
    """``part`` as one segment of a path."""
    return quote(part, safe="")


def _local_token(settings: Settings) -> str | None:
    return read_token_file(settings.server_token_file)


def _same_server(url: str, local: ServerAddress) -> bool:
    """The data folder's token is for the data folder's server: it is never sent anywhere else."""
    return address_of(url) == address_of(local.url)


def _refusal(url: str, response: httpx2.Response) -> Refused | Unavailable:
    """The error that a problem document (RFC 9457) stands for."""
    try:
        problem = msgspec.json.decode(response.content, type=ProblemDetails)
    except msgspec.DecodeError:
        if response.status_code >= 500:
            return Unavailable(f"{url} answered {response.status_code}. Look into the server's log.")
        return Refused(f"{url} answered {response.status_code}, and not as a Mulligan server does. Check the address.")
    if problem.status >= 500:
        return Unavailable(problem.detail, code=problem.code)
    if problem.status == 401:
        return Unauthorized(f"{problem.detail} Give a token with --token or MULLIGAN_TOKEN.", code=problem.code)
    problems = tuple(Problem(one.path, one.rule, one.where) for one in problem.problems)
    return InvalidInput(problem.detail, code=problem.code, problems=problems)
