"""``Mulligan``: the object that a program declares its tasks and workflows on, and talks to its runs through."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, Unpack, overload

from mulligan.core.limits import LARGEST_PRIORITY
from mulligan.core.records import StepKind, WorkflowDefinition
from mulligan.errors import DeclarationError
from mulligan.sdk.clock import Clock, RealClock
from mulligan.sdk.context import Context
from mulligan.sdk.declare.declaration import StepDeclaration, WorkflowDeclaration
from mulligan.sdk.declare.source import Where, mistake, where, where_called
from mulligan.sdk.task import Task, TaskDecorator, TaskOptions
from mulligan.sdk.workflow import Workflow, declare_step

if TYPE_CHECKING:
    from mulligan.sdk.client.client import Client
    from mulligan.sdk.client.runs import Runs
    from mulligan.sdk.client.sync import Sync
    from mulligan.sdk.transports.link import ClientTransport
    from mulligan.sdk.worker.threads import WorkerThread

P = ParamSpec("P")
R = TypeVar("R")
I = TypeVar("I")  # noqa: E741 - the workflow's input

URL_VARIABLE = "MULLIGAN_URL"
NAMESPACE_VARIABLE = "MULLIGAN_NAMESPACE"
TOKEN_VARIABLE = "MULLIGAN_TOKEN"  # noqa: S105 - the name of a variable


class Mulligan:
    """Your program's tasks and workflows, and the way to their runs.

    ``url`` is a server's address, or those of its replicas separated by commas (default: the environment's
    MULLIGAN_URL), ``token`` its access token (default: MULLIGAN_TOKEN), ``namespace`` the unit of isolation of an
    embedded engine (default: MULLIGAN_NAMESPACE, or "default"; on a server the token says it). Without a url the engine
    is embedded: it runs inside this process on a SQLite file in ``./.mulligan``, or wherever ``database`` says. The
    same program runs both ways.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        token: str | None = None,
        database: str | None = None,
        namespace: str | None = None,
    ) -> None:
        if url is not None and database is not None:
            raise DeclarationError(
                "Mulligan(url=…, database=…): the database belongs to the server at that url. Pass one of the two."
            )
        self.url = url if url is not None or database is not None else os.environ.get(URL_VARIABLE) or None
        self.token = token if token is not None else os.environ.get(TOKEN_VARIABLE) or None
        self.database = database
        self.namespace = namespace or os.environ.get(NAMESPACE_VARIABLE) or "default"
        self.clock: Clock = RealClock()
        self.declarations: dict[str, WorkflowDeclaration] = {}
        self._lock = threading.RLock()
        self._transport: ClientTransport | None = None
        self._worker: WorkerThread | None = None
        self.revision = 0
        """Counts declarations, so that a worker knows whether it has told the engine of all."""

    def __repr__(self) -> str:
        declared = ", ".join(self.declarations) or "nothing declared"
        return f"<Mulligan {self.url or self.database or 'embedded'}: {declared}>"

    # ── Declaring ────────────────────────────────────────────────────────────────────────────────────────────────────

    @overload
    def task(self, fn: Callable[Concatenate[Context, P], Coroutine[Any, Any, R]], /) -> Task[P, R]: ...
    @overload
    def task(self, fn: Callable[P, Coroutine[Any, Any, R]], /) -> Task[P, R]: ...
    @overload
    def task(self, fn: Callable[Concatenate[Context, P], R], /) -> Task[P, R]: ...
    @overload
    def task(self, fn: Callable[P, R], /) -> Task[P, R]: ...
    @overload
    def task(self, /, **options: Unpack[TaskOptions]) -> TaskDecorator: ...
    def task(self, fn: Callable[..., Any] | None = None, /, **options: Unpack[TaskOptions]) -> Any:
        """Declare a durable function: ``@m.task`` or ``@m.task(retries=3, timeout="30s")``.

        ``await hello("ada")`` then runs it on a worker and returns its result. Raises DeclarationError.
        """

        def declare(function: Callable[..., Any]) -> StepDeclaration:
            name = options.get("name", "") or function.__name__
            workflow = self._declare(
                name, None, where(function), is_task=True, label=options.get("version_label"),
                priority=options.get("priority", 0),
            )  # fmt: skip
            step = declare_step(workflow, name, function, StepKind.CALL, options)
            self._keep(workflow)
            return step

        decorator = TaskDecorator(declare)
        return decorator if fn is None else decorator(fn)

    @overload
    def workflow(
        self,
        name: str,
        *,
        version_label: str | None = ...,
        priority: int = ...,
        doc: str = ...,
        replay_metadata: Sequence[str] | None = ...,
    ) -> Workflow[None]: ...
    @overload
    def workflow(
        self,
        name: str,
        *,
        input: type[I],
        version_label: str | None = ...,
        priority: int = ...,
        doc: str = ...,
        replay_metadata: Sequence[str] | None = ...,
    ) -> Workflow[I]: ...
    def workflow(
        self,
        name: str,
        *,
        input: Any = None,  # noqa: A002 - the word of the glossary
        version_label: str | None = None,
        priority: int = 0,
        doc: str = "",
        replay_metadata: Sequence[str] | None = None,
    ) -> Any:
        """Declare a workflow; its steps follow with ``@wf.step``. ``input`` is the type of what a run is started with.

        ``version_label`` names this version of the code for people (default: MULLIGAN_CODE_VERSION), ``doc`` tells them
        what the workflow is for. ``replay_metadata``: the names of the metadata that a replay takes over from the run
        that it repeats; without it all of them. Raises DeclarationError.
        """
        declaration = self._declare(name, input, where_called(), is_task=False, label=version_label, priority=priority)
        declaration.doc = doc
        if isinstance(replay_metadata, str):
            raise mistake(declaration.at, "replay_metadata= is one name", f"Write a list: [{replay_metadata!r}]")
        declaration.replay_metadata = None if replay_metadata is None else tuple(replay_metadata)
        self._keep(declaration)
        return Workflow(declaration)

    def _declare(
        self, name: str, input_type: Any, at: Where, *, is_task: bool, label: str | None, priority: int
    ) -> WorkflowDeclaration:
        if not name or len(name) > 200 or not name.isprintable() or "/" in name:
            raise mistake(at, f"{name!r} is no name for a workflow", "Use 1 to 200 printable characters without '/'")
        if abs(priority) > LARGEST_PRIORITY:
            limits = f"-{LARGEST_PRIORITY:,} to {LARGEST_PRIORITY:,}"
            raise mistake(at, f"workflow {name!r} has the priority {priority:,}", f"Use one of {limits}")
        return WorkflowDeclaration(self, name, input_type, at, is_task=is_task, label=label, priority=priority)

    def _keep(self, workflow: WorkflowDeclaration) -> None:
        earlier = self.declarations.get(workflow.name)
        # in a notebook or a REPL, the same name again is a new version and not a mistake
        if earlier is not None and os.path.exists(workflow.at.file):
            raise mistake(
                workflow.at,
                f"there are two workflows named {workflow.name!r}, the other at {earlier.at}",
                "Rename one; a task takes its function's name unless you write @m.task(name=…)",
            )
        self.declarations[workflow.name] = workflow
        self.revision += 1

    def definitions(self) -> list[WorkflowDefinition]:
        """What the engine is told of everything declared here. Raises DeclarationError."""
        return [declaration.definition() for declaration in self.declarations.values()]

    # ── Talking to runs ──────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def runs(self) -> Runs:
        """Runs by id and by query: ``await m.runs.get(id)``, ``async for run in m.runs.query("status:failed")``."""
        from mulligan.sdk.client.runs import Runs

        return Runs(self.client)

    @cached_property
    def sync(self) -> Sync:
        """For scripts, notebooks and sync steps: ``m.sync(hello("ada"))`` waits for anything that is awaited."""
        from mulligan.sdk.client.sync import Sync

        return Sync()

    @cached_property
    def client(self) -> Client:
        """What tasks, workflows and runs talk through. Not for users."""
        from mulligan.sdk.client.client import Client

        return Client(self)

    @property
    def transport(self) -> ClientTransport:
        """The way to the engine, opened at first use. Raises ``Unavailable`` or ``Refused`` with what to do."""
        with self._lock:
            if self._transport is None:
                from mulligan.sdk.transports.opening import open_transport

                self._transport = open_transport(self.url, self.token, self.database, self.namespace)
            return self._transport

    @contextmanager
    def use(self, client: Client, transport: ClientTransport, clock: Clock) -> Iterator[None]:
        """Talk to another engine for a while: how a test lab puts itself under a program that knows nothing of it."""
        before = self.__dict__.get("client"), self._transport, self.clock
        self.client, self._transport, self.clock = client, transport, clock
        try:
            yield
        finally:
            previous, self._transport, self.clock = before
            del self.client
            if previous is not None:
                self.client = previous

    def close(self) -> None:
        """Stop what runs in the background: this process's own worker, and connections. A new call starts afresh."""
        with self._lock:
            worker, self._worker = self._worker, None
            transport, self._transport = self._transport, None
        if worker is not None:
            worker.stop(timedelta(seconds=10))
        if "sync" in self.__dict__:
            self.sync.close()
        if transport is not None:
            transport.close()

    # ── Running steps ────────────────────────────────────────────────────────────────────────────────────────────────

    def run_worker(
        self,
        *,
        slots: int = 32,
        name: str | None = None,
        labels: Mapping[str, str] | None = None,
        grace: str | timedelta = "30s",
    ) -> None:
        """Run steps until SIGTERM or SIGINT, then finish what runs within ``grace``. What ``mulligan worker`` does.

        ``slots`` is how many steps run at the same time. Raises ``DeclarationError`` and ``Refused``; a server that
        cannot be reached is waited for.
        """
        from mulligan.sdk.durations import parse_duration
        from mulligan.sdk.worker.process import run_worker

        run_worker(self, slots=slots, name=name, labels=labels or {}, grace=parse_duration(grace))

    def worker_in_this_process(self) -> WorkerThread:
        """The worker that an embedded engine's program brings along, started if need be. Not for users."""
        with self._lock:
            if self._worker is None:
                from mulligan.sdk.worker.threads import WorkerThread

                self._worker = WorkerThread(self, slots=self.transport.slots_here)
            return self._worker
