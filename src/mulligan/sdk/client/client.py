"""What tasks, workflows and run handles call: starts in batches, waiting, REST requests."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from mulligan.errors import MulliganError, Unavailable
from mulligan.sdk.client.calls import Call, StartOptions, make_call, new_id, tried_anew
from mulligan.sdk.client.patience import Patience, through_outages
from mulligan.sdk.client.problems import error_of_answer
from mulligan.sdk.client.runs import Run, RunFailed
from mulligan.sdk.client.session import Answer, ClientSession
from mulligan.sdk.context import running_context
from mulligan.sdk.declare.codec import ValueCodec
from mulligan.sdk.declare.declaration import WorkflowDeclaration
from mulligan.wire.messages import Accepted, RunEnded, StartSpec
from mulligan.wire.rest.codec import read

if TYPE_CHECKING:
    from mulligan.sdk.app import Mulligan

Shape = TypeVar("Shape", bound=msgspec.Struct)


class Client:
    """One per ``Mulligan``. Usable on any number of event loops; each gets a session of its own."""

    def __init__(self, app: Mulligan) -> None:
        self.app = app
        self._sessions: dict[asyncio.AbstractEventLoop, ClientSession] = {}

    # ── Starting ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def call(self, workflow: WorkflowDeclaration, run_input: bytes, options: StartOptions) -> Call:
        """A start to be made. Inside of a step it becomes a child of that step, in the order of the calls."""
        return make_call(workflow, run_input, options, running_context.get())

    async def start_many(self, calls: Sequence[Call]) -> list[Run[Any]]:
        """Raises what the first refused call was refused with; the others have been started none the less."""
        accepted = await self._start(calls)
        return [Run(self, one.run_id, call.workflow) for one, call in zip(accepted, calls, strict=True)]

    async def _start(self, calls: Sequence[Call], *, watched: bool = False) -> list[Accepted]:
        await self.bring_worker()
        answers = await self._answers([call.spec for call in calls], watched)
        session = self.session()
        accepted: list[Accepted] = []
        refused: MulliganError | None = None
        for call, answer in zip(calls, answers, strict=True):
            if isinstance(answer, MulliganError):
                refused = refused or answer
            else:
                accepted.append(answer)
            if watched and (isinstance(answer, MulliganError) or answer.run_id != call.spec.run_id):
                session.unwatch(call.spec.run_id)
        if refused is not None:
            for one in accepted:
                session.unwatch(one.run_id)
            raise refused
        return accepted

    async def _answers(self, specs: Sequence[StartSpec], watched: bool) -> list[Answer]:
        """For each start that it was accepted, or why not. Whoever stops waiting for that waits for no end, either."""
        asked = [spec.run_id for spec in specs]
        try:
            return await self._patient_answers(specs, watched, asked)
        except BaseException:
            session = self._sessions.get(asyncio.get_running_loop())
            if session is not None:
                for run_id in asked:
                    session.unwatch(run_id)
            raise

    async def _patient_answers(self, specs: Sequence[StartSpec], watched: bool, asked: list[str]) -> list[Answer]:
        """Inside of a step "not now" is no answer: it asks again, under the keys that its children have.

        ``asked`` gets the ids under which it did.
        """
        answers = await self.session().start(specs, watched=watched)
        patience: Patience | None = None
        while unanswered := [place for place, answer in enumerate(answers) if isinstance(answer, Unavailable)]:
            patience = patience or Patience(self.app.clock)
            if not await patience.lasts():
                break
            session = self.session()
            for place in unanswered:
                session.unwatch(specs[place].run_id)
            # Under new ids: of the old ones the server may still have to say that there are no such runs. A run that
            # was made all the same is found by its key.
            again = [msgspec.structs.replace(specs[place], run_id=new_id()) for place in unanswered]
            asked += [spec.run_id for spec in again]
            for place, spec, answer in zip(unanswered, again, await session.start(again, watched=watched), strict=True):
                answers[place] = answer
                if watched and (isinstance(answer, MulliganError) or answer.run_id != spec.run_id):
                    session.unwatch(spec.run_id)
        return answers

    async def bring_worker(self) -> None:
        """An embedded engine's program runs its own steps: its worker must know them before they are asked for."""
        if self.app.transport.slots_here and self.app.declarations:
            ready = self.app.worker_in_this_process().ready()
            if ready is not None:
                # shielded: others may be waiting for the same welcome
                await asyncio.shield(asyncio.wrap_future(ready))

    # ── Starting and waiting ─────────────────────────────────────────────────────────────────────────────────────────

    async def run_to_result(self, call: Call, output: ValueCodec) -> Any:
        """The result of a task. Raises ``RunFailed``."""
        (accepted,) = await self._start([call], watched=True)
        ended = await self._end_of(call, accepted)
        return self.result_of(ended, output)

    async def run_to_end(self, call: Call) -> Run[Any]:
        """A handle to the run, which has ended."""
        (accepted,) = await self._start([call], watched=True)
        ended = await self._end_of(call, accepted)
        return await Run[Any](self, ended.run_id, call.workflow, ended=ended).refresh()

    async def run_many(self, calls: Sequence[Call], output: ValueCodec, limit: int | None) -> list[Any]:
        """The results of many calls, in order; at most ``limit`` run at the same time."""
        if limit is not None and limit < 1:
            raise ValueError(f"limit={limit} must be at least 1")
        if limit is None or limit >= len(calls):
            return await self._all_results(calls, output)
        results: list[Any] = [None] * len(calls)
        left = iter(range(len(calls)))

        async def lane() -> None:
            for index in left:
                results[index] = await self.run_to_result(calls[index], output)

        await _all([lane() for _ in range(limit)])
        return results

    async def _all_results(self, calls: Sequence[Call], output: ValueCodec) -> list[Any]:
        """All at the same time. Futures and not tasks: a step may have thousands of children."""
        accepted = await self._start(calls, watched=True)
        ends = await self.watch_all([one.run_id for one in accepted])
        results: list[Any] = []
        for call, one, ended in zip(calls, accepted, ends, strict=True):
            final = ended if ended.status == "succeeded" else await self._end_of(call, one)
            results.append(self.result_of(final, output))
        return results

    async def _end_of(self, call: Call, accepted: Accepted) -> RunEnded:
        """How the run of ``call`` ended.

        A step that is tried again finds the children of its earlier attempt. Those that failed are what it is tried
        again for, so each is started anew; a child that succeeds meanwhile ends the search.
        """
        ended = await self.watch(accepted.run_id)
        tries = 1
        while call.is_child and accepted.existing and ended.status != "succeeded":
            tries += 1
            again = tried_anew(call, tries)
            (accepted,) = await self._start([again], watched=True)
            ended = await self.watch(accepted.run_id)
        return ended

    def result_of(self, ended: RunEnded, output: ValueCodec) -> Any:
        """A task's result from its only output. Raises ``RunFailed``."""
        if ended.status != "succeeded":
            raise RunFailed(ended, self.link(ended.run_id))
        (text,) = ended.outputs.values()
        return output.decode(text)

    async def watch(self, run_id: str, timeout: timedelta | None = None) -> RunEnded:  # noqa: ASYNC109
        """Raises TimeoutError; the run goes on."""
        seconds = None if timeout is None else timeout.total_seconds()
        with waiting():
            watching = through_outages(lambda: self.session().watch(run_id), self.app.clock)
            return await asyncio.wait_for(watching, seconds)

    async def watch_all(self, run_ids: Sequence[str]) -> list[RunEnded]:
        """How they all ended, in order."""
        with waiting():
            return await through_outages(lambda: self.session().watch_all(run_ids), self.app.clock)

    # ── Connections ──────────────────────────────────────────────────────────────────────────────────────────────────

    def session(self) -> ClientSession:
        """The session of the running event loop."""
        loop = asyncio.get_running_loop()
        session = self._sessions.get(loop)
        if session is None:
            for closed in [known for known in self._sessions if known.is_closed()]:
                del self._sessions[closed]
            session = ClientSession(self.app.transport.link(), self.app.clock, self._forget)
            self._sessions[loop] = session
        return session

    def _forget(self, session: ClientSession) -> None:
        for loop, known in list(self._sessions.items()):
            if known is session:
                del self._sessions[loop]

    async def close_session(self) -> None:
        """End the session of the running loop, if there is one."""
        session = self._sessions.get(asyncio.get_running_loop())
        if session is not None:
            await session.close()

    def link(self, run_id: str) -> str:
        """Where people look at the run."""
        address = self.app.transport.address
        return f"{address.rstrip('/')}/runs/{run_id}" if address.startswith("http") else f"{run_id} in {address}"

    async def ask(
        self,
        kind: type[Shape],
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        idempotency_key: str | None = None,
    ) -> Shape:
        """A REST request answered with a shape. Raises what the server refused it with."""
        text = await self.ask_text(method, path, query=query, body=body, idempotency_key=idempotency_key)
        return read(kind, text, f"the answer to {method} {path}")

    async def ask_text(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        idempotency_key: str | None = None,
    ) -> bytes:
        """A REST request answered with raw JSON text."""

        async def ask_once() -> bytes:
            status, text = await self.app.transport.request(
                method, path, query=query, body=body, idempotency_key=idempotency_key
            )
            if status >= 400:
                raise error_of_answer(status, text)
            return text

        may_be_repeated = method == "GET" or idempotency_key is not None
        return await (through_outages(ask_once, self.app.clock) if may_be_repeated else ask_once())


def waiting() -> AbstractContextManager[None]:
    """Inside of a step: it waits for other runs, and needs no slot for that."""
    context = running_context.get()
    return nullcontext() if context is None else context.waiting()


async def _all(coroutines: Sequence[Any]) -> list[Any]:
    """All results. The first failure cancels what still waits, and is raised as it is, not in a group."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
