"""``Run``: the handle to one run. ``m.runs``: finding them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, Self, Unpack, overload
from urllib.parse import quote

from msgspec import UNSET
from typing_extensions import TypeVar

from mulligan.core.naming import did_you_mean
from mulligan.core.records import RecordedError
from mulligan.errors import MulliganError, NotFound
from mulligan.sdk.client.patience import through_outages
from mulligan.sdk.declare.codec import ValueCodec
from mulligan.sdk.durations import parse_duration
from mulligan.wire.messages import RunEnded
from mulligan.wire.rest.codec import RunState, StepState, write
from mulligan.wire.rest.replays import Replayed, ReplayPlan
from mulligan.wire.rest.runs import CancelAnswer, CancelRequest, RunDetail, RunList, RunSummary
from mulligan.wire.rest.steps import StepDetail, StepSummary

if TYPE_CHECKING:
    from mulligan.sdk.client.bulks import BulkOptions, ManyReplays
    from mulligan.sdk.client.calls import Call
    from mulligan.sdk.client.client import Client
    from mulligan.sdk.client.replays import ReplayOptions
    from mulligan.sdk.declare.declaration import WorkflowDeclaration
    from mulligan.sdk.task import Task
    from mulligan.sdk.workflow import Step
    from mulligan.wire.rest.bulks import BulkPreview

T = TypeVar("T")
R = TypeVar("R", covariant=True, default=Any)

PAGE = 100
_ENDED = ("succeeded", "failed", "cancelled")


class RunFailed(MulliganError):
    """A run that was waited for has failed or was cancelled.

    ``run_id``, ``run_status`` (``failed`` or ``cancelled``), ``step`` (the first that failed), ``error`` (its exception
    as data) and ``link``.
    """

    code = "run_failed"
    status = 500

    def __init__(self, ended: RunEnded, link: str) -> None:
        self.run_id = ended.run_id
        self.run_status = ended.status
        self.step = ended.failed_step
        self.error: RecordedError | None = ended.error
        self.link = link
        if ended.status == "cancelled":
            text = f"Run {ended.run_id} was cancelled."
        elif ended.error is None:
            text = f"Run {ended.run_id} failed."
        else:
            text = f"Run {ended.run_id} failed in step {ended.failed_step!r}: {ended.error.type}: {ended.error.message}"
        super().__init__(f"{text}\nLook at it, and replay it: {link}")


class Run(Generic[R]):
    """One run, as it was last seen: ``wait`` and ``refresh`` look again, everything else is in memory.

    ``run[fetch]`` is a step run, ``run.output`` the result of a task.
    """

    def __init__(
        self,
        client: Client,
        run_id: str,
        workflow: WorkflowDeclaration | None,
        *,
        seen: RunSummary | None = None,
        ended: RunEnded | None = None,
    ) -> None:
        self.id = run_id
        self._client = client
        self._workflow = workflow
        self._seen = seen
        self._ended = ended
        self._details: dict[str, StepDetail] = {}

    def __repr__(self) -> str:
        return f"<run {self.id} {self.status}>"

    # ── What is known ────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def status(self) -> RunState:
        """``queued`` (no step has been taken by a worker), ``running``, ``succeeded``, ``failed`` or ``cancelled``."""
        if self._ended is not None:
            return self._ended.status  # type: ignore[return-value] # the wire has it as text
        return "queued" if self._seen is None else self._seen.status

    @property
    def ended(self) -> bool:
        return self.status in _ENDED

    @property
    def link(self) -> str:
        """Where people look at it."""
        return self._client.link(self.id)

    @property
    def output(self) -> R:
        """The result of a task. Raises ``RunFailed``, and ``MulliganError`` while it is not known."""
        self.check()
        assert self._ended is not None
        if self._workflow is not None and not self._workflow.is_task:
            raise MulliganError(
                f"Run {self.id} is of the workflow {self._workflow.name!r}, which has one output per step: use "
                f"run[step].output, with one of {', '.join(self._workflow.steps)}."
            )
        result: R = self._decode(next(iter(self._ended.outputs)))
        return result

    @property
    def error(self) -> RecordedError | None:
        """Why it failed: the error of the first failed step."""
        return None if self._ended is None else self._ended.error

    @property
    def replay_of(self) -> str | None:
        """The id of the run that this one is a replay of."""
        return self.summary.source_id

    @property
    def summary(self) -> RunSummary:
        """Workflow, version, times, metadata and so on. Raises ``MulliganError`` until looked at once."""
        if self._seen is None:
            raise self._unknown("more than its id")
        return self._seen

    @property
    def steps(self) -> list[StepView[Any]]:
        """All step runs, in the order of their declaration."""
        return [StepView(self, step) for step in self._detail.steps]

    @overload
    def __getitem__(self, step: Step[..., Any, T]) -> StepView[T]: ...
    @overload
    def __getitem__(self, step: Task[..., T]) -> StepView[T]: ...
    @overload
    def __getitem__(self, step: str) -> StepView[Any]: ...
    def __getitem__(self, step: Any) -> StepView[Any]:
        name = step if isinstance(step, str) else step.name
        for summary in self._detail.steps:
            if summary.name == name:
                return StepView(self, summary)
        known = [summary.name for summary in self._detail.steps]
        raise KeyError(
            f"run {self.id} of {self.summary.workflow!r} has no step {name!r}.{did_you_mean(name, known)} "
            f"There are {', '.join(known)}."
        )

    def check(self) -> Self:
        """Itself, if it has succeeded. Raises ``RunFailed``, and ``MulliganError`` if it has not ended yet."""
        if self._ended is None:
            raise self._unknown("its end")
        if self._ended.status != "succeeded":
            raise RunFailed(self._ended, self.link)
        return self

    # ── Looking again ────────────────────────────────────────────────────────────────────────────────────────────────

    async def wait(self, timeout: str | timedelta | None = None, *, steps: bool = True) -> Self:  # noqa: ASYNC109 - shorter
        """Return when it has ended, well or badly, with everything known. Raises TimeoutError; the run goes on.

        ``steps=False`` is for those who wait for thousands: only how each ended and its outputs, which come by
        themselves, without a question for the state of its steps.
        """
        await self._client.bring_worker()
        self._ended = await self._client.watch(self.id, None if timeout is None else parse_duration(timeout))
        if steps:
            self._seen = await self._client.ask(RunDetail, "GET", f"/runs/{self.id}")
        return self

    async def refresh(self) -> Self:
        """Look again: status, steps, and results if it has ended."""
        self._details.clear()
        self._seen = await self._client.ask(RunDetail, "GET", f"/runs/{self.id}")
        if self._seen.status in _ENDED and self._ended is None:
            self._ended = await self._client.watch(self.id)
        return self

    # ── Doing something about it ─────────────────────────────────────────────────────────────────────────────────────

    async def cancel(self, reason: str = "") -> str:
        """End it now: ``cancelled``, ``cancel_requested`` (a step is told to stop), or ``already_finished``."""
        body = write(CancelRequest(reason=reason))
        # a run that is cancelled twice is cancelled: this may be asked again without a key
        answer = await through_outages(
            lambda: self._client.ask(CancelAnswer, "POST", f"/runs/{self.id}/cancel", body=body),
            self._client.app.clock,
        )
        return answer.answer

    async def plan_replay(self, **options: Unpack[ReplayOptions]) -> ReplayPlan:
        """What ``replay`` with the same arguments would do: per step, kept or run again, and why. Creates nothing."""
        from mulligan.sdk.client.replays import build_request

        await self._client.bring_worker()
        body = write(await build_request(self._client, self.id, options))
        return await self._client.ask(ReplayPlan, "POST", f"/runs/{self.id}/replay/plan", body=body)

    async def replay(self, **options: Unpack[ReplayOptions]) -> Run[R]:
        """Make a new run of this finished one, and return it; this one never changes.

        By default from every failed step, with the results before them kept. ``from_step``, ``input``, ``playground``,
        ``run_input``, ``from_beginning``, ``code``, ``reason``, ``fresh_key``: see ``ReplayOptions``. Raises
        ``Conflict`` (``not_finished``, ``plan_outdated``) and ``InvalidInput`` naming each broken path and rule.
        """
        from mulligan.sdk.client.replays import build_request

        await self._client.bring_worker()
        body = write(await build_request(self._client, self.id, options))
        made = await self._client.ask(
            Replayed, "POST", f"/runs/{self.id}/replay", body=body, idempotency_key=options.get("idempotency_key")
        )
        return await Run[R](self._client, made.id, self._workflow).refresh()

    def _unknown(self, what: str) -> MulliganError:
        return MulliganError(
            f"Of run {self.id}, {what} is not known yet: `await run.wait()` for its end, or `await run.refresh()`."
        )

    @property
    def _detail(self) -> RunDetail:
        if not isinstance(self._seen, RunDetail):
            raise self._unknown("its steps")
        return self._seen

    def _decode(self, step: str) -> Any:
        if self._ended is None:
            raise self._unknown(f"the output of step {step!r}")
        text = self._ended.outputs.get(step)
        if text is None:
            raise MulliganError(f"Step {step!r} of run {self.id} has no output: it is {self[step].status}.")
        declared = None if self._workflow is None else self._workflow.steps.get(step)
        codec = ValueCodec(Any, f"The output of step {step!r}") if declared is None else declared.output
        return codec.decode(text)

    async def _load(self, step: str) -> StepDetail:
        detail = await self._client.ask(StepDetail, "GET", f"/runs/{self.id}/steps/{quote(step, safe='')}")
        self._details[step] = detail
        return detail


class StepView(Generic[R]):
    """One step run of a run, as the run was last seen."""

    def __init__(self, run: Run[Any], summary: StepSummary) -> None:
        self._run = run
        self._summary = summary

    def __repr__(self) -> str:
        return f"<step {self.name} {self.status}>"

    @property
    def name(self) -> str:
        return self._summary.name

    @property
    def status(self) -> StepState:
        """``kept`` in a replay that reuses the result; ``not_reached`` if the run ended before it."""
        return self._summary.status

    @property
    def attempts(self) -> int:
        return self._summary.attempts

    @property
    def output(self) -> R:
        """Its result, also a kept one. Raises ``MulliganError`` if there is none, or the run has not ended."""
        result: R = self._run._decode(self.name)
        return result

    @property
    def error(self) -> str | None:
        """``TypeError: message`` of the last failed attempt."""
        kind = self._summary.error_type
        return None if kind is None else f"{kind}: {self._summary.error_message}"

    @property
    def detail(self) -> StepDetail:
        """Everything about it, after ``load``: attempts, tracebacks, variables, edits."""
        detail = self._run._details.get(self.name)
        if detail is None:
            raise MulliganError(
                f"Of step {self.name!r} only the outcome is known yet: `await run[{self.name!r}].load()`."
            )
        return detail

    @property
    def input(self) -> Any:
        """The document of its arguments as plain JSON data, edits applied. ``load`` first."""
        detail = self.detail
        if detail.input is UNSET:
            raise MulliganError(f"Step {self.name!r} has no input yet: {detail.input_problem}")
        return ValueCodec(Any, f"The input of step {self.name!r}").decode(bytes(detail.input))

    async def load(self) -> Self:
        """Fetch everything about it."""
        await self._run._load(self.name)
        return self


class Runs:
    """Finding runs: ``m.runs``."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def get(self, run_id: str) -> Run[Any]:
        """A run with its steps, and their outputs if it has ended. Raises NotFound."""
        if not run_id:
            raise NotFound("m.runs.get('') was given no id.")
        detail = await self._client.ask(RunDetail, "GET", f"/runs/{quote(run_id, safe='')}")
        return await self._handle(detail).refresh()

    async def query(self, query: str = "", *, limit: int | None = None) -> AsyncIterator[Run[Any]]:
        """Runs that match, newest first: ``async for run in m.runs.query("status:failed since:24h")``.

        They are as they stand in the list; ``refresh`` one to see its steps. Raises ``InvalidInput`` (``bad_query``).
        """
        cursor: str | None = None
        given = 0
        while True:
            page = {"q": query, "limit": str(PAGE if limit is None else min(PAGE, limit - given))}
            if cursor is not None:
                page["cursor"] = cursor
            found = await self._client.ask(RunList, "GET", "/runs", query=page)
            for summary in found.items:
                yield self._handle(summary)
            given += len(found.items)
            cursor = found.next_cursor
            if cursor is None or (limit is not None and given >= limit):
                return

    async def replay_all(self, query: str, *, reason: str, **options: Unpack[BulkOptions]) -> ManyReplays:
        """Replay all runs that match, which are counted now, as one durable bulk replay that goes on by itself.

        ``await m.runs.replay_all("status:failed since:1h", reason="outage over", canary=(1, 0.1), stop_after=2)``.
        What changes is as with ``run.replay``, but for whole documents: edits set single members. Raises
        ``InvalidInput`` when nothing matches, or for edits that cannot be meant for many.
        """
        from mulligan.sdk.client.bulks import create

        await self._client.bring_worker()
        return await create(self._client, query, reason, options)

    async def preview_replay_all(self, query: str, **options: Unpack[BulkOptions]) -> BulkPreview:
        """What ``replay_all`` would do: how many match, and which of the first 200 it could not replay, and why."""
        from mulligan.sdk.client.bulks import preview

        return await preview(self._client, query, "", options)

    async def start_many(self, calls: Sequence[Call]) -> list[Run[Any]]:
        """Start different things together: ``m.runs.start_many([hello.call("ada"), summarise.call(doc)])``.

        Raises what the first refused one was refused with.
        """
        return await self._client.start_many(calls)

    def _handle(self, summary: RunSummary) -> Run[Any]:
        return Run(self._client, summary.id, self._client.app.declarations.get(summary.workflow), seen=summary)
