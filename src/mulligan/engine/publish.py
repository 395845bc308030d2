"""What follows from a commit: assignments to workers, stops, ends of runs to their waiters, news to listeners.

Nothing here changes state. What is known in memory goes out at once; what must be read first goes out from a task, so
that the cycle never waits for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from operator import attrgetter
from typing import Any, TypeVar

import msgspec

from mulligan.core.commands import Command, FinishAttempt, ReleaseAttempt
from mulligan.core.decide.attempts import ref_of
from mulligan.core.facts import Ended, Lease, Produced, RunFacts
from mulligan.core.inputs import (
    INPUT_TOO_LARGE,
    build_input,
    check_size,
    edits_for,
    output_ref,
    outputs_needed,
    overrides_for,
)
from mulligan.core.lifecycle import is_terminal
from mulligan.core.records import Attempt, OpenStep, Outcome, OutputRef, RecordedError, Run, WorkerState
from mulligan.engine.cycle import RECOVERY, Turn
from mulligan.engine.dispatcher import Assignment, Dispatcher, Seat
from mulligan.engine.feed import Feed, RunEnd
from mulligan.engine.inbox import Submit
from mulligan.engine.loop import Alarm
from mulligan.engine.payloads import Payloads
from mulligan.errors import Refused, StoreConflict, StoreUnavailable, TooLarge, Unavailable
from mulligan.ports.clock import Clock
from mulligan.ports.store import RunDocument, Store

T = TypeVar("T")
UNWANTED = "no longer wanted"
MOST_ENDS = 50
"""Runs whose results are read together."""

log = logging.getLogger("mulligan.engine")


def facts_of(document: RunDocument) -> RunFacts:
    """A run that was read, in the shape that the rules understand."""
    ended = {
        attempt.step: Ended(outcome=attempt.outcome, number=attempt.number) for attempt in by_number(document.ended)
    }
    opened = {step.step: step for step in document.open}
    return RunFacts(document.run, document.version, document.replay, opened, ended)


def by_number(attempts: Iterable[Attempt]) -> list[Attempt]:
    """The last attempt of a step is the one with the highest number: clocks that were set back disorder the times."""
    return sorted(attempts, key=attrgetter("number"))


def lease_of(step: OpenStep) -> Lease:
    return (step.run_id, step.step, step.token or "")


def last_error(run: Run, attempts: Iterable[Attempt]) -> RecordedError | None:
    """The error that the failed run is named after."""
    found = None
    for attempt in by_number(attempts):
        if attempt.run_id == run.id and attempt.step == run.failed_step and attempt.error is not None:
            found = attempt.error
    return found


def failure_document(document: RunDocument) -> bytes:
    """What an on-failure step gets for its ``failure`` argument."""
    run = document.run
    error = last_error(run, document.ended)
    attempts = sum(1 for attempt in document.ended if attempt.step == run.failed_step)
    return msgspec.json.encode(
        {
            "run_id": run.id,
            "step": run.failed_step,
            "type": run.error_type,
            "error": error.message if error is not None else run.error_message,
            "attempts": attempts,
        }
    )


def unassignable(error: Exception) -> RecordedError:
    """What is recorded of a step that no worker can be given. A second try would meet the same data."""
    if isinstance(error, TooLarge) and error.code == INPUT_TOO_LARGE:
        kind, message = "mulligan.InputTooLarge", str(error)
    elif isinstance(error, Refused):
        kind = "mulligan.EditDoesNotFit"
        message = f"An edit of this step's input does not fit what its parents gave: {error}"
    else:
        kind = "mulligan.NotAssigned"
        message = (
            f"The engine could not give this step to a worker: {error!r}. The fault is Mulligan's and not the step's; "
            "the server's log says more. Replay the run once it is mended."
        )
    return RecordedError(type=kind, message=message, retryable=False)


class Publisher:
    """Called by the cycle after each commit."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        payloads: Payloads,
        dispatcher: Dispatcher,
        feed: Feed,
        alarm: Alarm,
        submit: Submit,
    ) -> None:
        self._store = store
        self._clock = clock
        self._payloads = payloads
        self._dispatcher = dispatcher
        self._feed = feed
        self._alarm = alarm
        self._submit = submit
        self._fetching: set[Lease] = set()
        """Leases whose payloads are being read; one that ends meanwhile is taken out and not given to its worker."""
        self._closing = False
        self._nap: asyncio.Future[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def publish(self, turn: Turn) -> None:
        """Never raises: what goes wrong in one part must not keep the others from being told."""
        parts = (self._note, self._send_stops, self._send_assignments, self._send_ends, self._send_news, self._let_go)
        for tell in parts:
            try:
                tell(turn)
            except Exception:
                log.exception("telling what was committed failed in %s", tell.__name__)

    def _note(self, turn: Turn) -> None:
        changes = turn.facts.changes
        for run, run_input in changes.runs_added.values():
            self._payloads.remember(run.id, run_input)
        for attempt, output in changes.attempts_added:
            if output is not None:
                self._payloads.remember((attempt.run_id, attempt.step, attempt.number), output)
        for step in (*changes.opened.values(), *changes.changed.values(), *turn.leased):
            self._alarm.bring_forward(step.due_at)
        for worker in changes.workers_saved.values():
            self._alarm.bring_forward(worker.lease_until_at)
            if worker.state is WorkerState.GONE:
                # Its connection may look open for a while yet; what is leased to it now would never be taken back.
                self._dispatcher.seats.pop(worker.id, None)

    def _let_go(self, turn: Turn) -> None:
        for run_id, run in turn.facts.changes.runs_changed.items():
            if is_terminal(run.status):
                self._payloads.run_ended((run_id, *self._results(turn.facts.runs[run_id]).values()))

    def _send_news(self, turn: Turn) -> None:
        if self._feed.has_listeners and (committed := turn.facts.changes.committed(turn.leased)):
            self._feed.committed(committed)

    async def catch_up(self) -> None:
        """Tell what may have been committed without anybody hearing of it. Raises StoreUnavailable."""
        await self.end_awaited()
        self._dispatcher.hint_routes(await self._store.ready_routes())
        self._alarm.bring_forward(self._clock.now())

    async def finish(self) -> None:
        """Wait for what is still on its way out, but no longer for a store that does not answer."""
        self._closing = True
        if self._nap is not None:
            self._nap.cancel()
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it beside the cycle; `finish` waits for it."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("telling what was committed failed", exc_info=error)

    async def _read(self, question: Callable[[], Awaitable[T]]) -> T | None:
        """The answer, however long the store takes to be back. None when the engine stops before that.

        What was committed has to be told: a worker that never hears of its lease keeps it alive for ever.
        """
        while not self._closing:
            try:
                return await question()
            except StoreUnavailable:
                await self._pause()
        return None

    async def _pause(self) -> None:
        self._nap = self._nap or asyncio.ensure_future(self._clock.sleep(RECOVERY))
        await asyncio.wait((self._nap,))
        self._nap = None

    async def _insist(self, commands: Sequence[Command]) -> None:
        """Hand in what nobody else would ever do again, until it is decided."""
        while not self._closing:
            answers = await self._submit(commands)
            told = zip(commands, answers, strict=True)
            commands = [command for command, answer in told if isinstance(answer, Unavailable | StoreConflict)]
            if not commands:
                return
            await self._pause()

    # ── Assignments ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _send_stops(self, turn: Turn) -> None:
        for step in turn.facts.stops:
            self._fetching.discard(lease_of(step))
            seat = self._dispatcher.seats.get(step.worker_id or "")
            if seat is not None:
                seat.stop([ref_of(step)], UNWANTED)

    def _send_assignments(self, turn: Turn) -> None:
        ready: dict[str, list[Assignment]] = {}
        to_read: list[OpenStep] = []
        for step in turn.leased:
            run = turn.runs_leased.get(step.run_id)
            try:
                assignment = None if run is None else self._from_memory(run, step)
            except Exception as error:  # noqa: BLE001 (told as the failure of this step, and of no other)
                self._fail(step, error, self._dispatcher.seats.get(step.worker_id or ""))
                continue
            if assignment is None:
                to_read.append(step)
            else:
                ready.setdefault(step.worker_id or "", []).append(assignment)
        seats = self._dispatcher.seats
        self._deliver(ready, {worker_id: seats.get(worker_id) for worker_id in ready})
        if to_read:
            self._fetching.update(lease_of(step) for step in to_read)
            at_claim = {worker_id: seats.get(worker_id) for step in to_read if (worker_id := step.worker_id or "")}
            self.later(self._read_and_deliver(to_read, turn.runs_leased, at_claim))

    def _from_memory(self, run: RunFacts, step: OpenStep) -> Assignment | None:
        """The assignment, if every payload that it needs is at hand. Raises as `_assignment` does."""
        definition = run.version.definition.by_name[step.step]
        run_input = self._payloads.known(run.run.id)
        if run_input is None or definition.reads_failure:
            return None
        outputs: dict[str, bytes] = {}
        for parent in definition.outputs_read:
            ref = output_ref(run, parent)
            payload = None if ref is None else self._payloads.known(ref)
            if payload is None:
                return None
            outputs[parent] = payload
        return self._assignment(run, step, run_input, outputs)

    def _assignment(
        self, run: RunFacts, step: OpenStep, run_input: bytes, outputs: dict[str, bytes], failure: bytes = b"null"
    ) -> Assignment:
        """Raises InvalidInput or TooLarge when there can be none."""
        definition = run.version.definition.by_name[step.step]
        document = build_input(definition, run_input, outputs, edits_for(run, step.step), failure)
        overrides = overrides_for(run, step.step)
        check_size(definition, document, outputs, overrides, run.run.metadata)
        return Assignment(step, run.run, definition, run.version.digest, document, overrides)

    def _fail(self, step: OpenStep, error: Exception, at_claim: Seat | None) -> None:
        """The step cannot be given to its worker, which will never hear of this lease: nobody else would end it."""
        if not isinstance(error, Refused):
            log.error("step %s of run %s could not be assigned", step.step, step.run_id, exc_info=error)
        report = FinishAttempt(
            ref=ref_of(step),
            namespace=step.namespace,
            worker_id=step.worker_id or "",
            outcome=Outcome.FAILED,
            error=unassignable(error),
        )
        self._dispatcher.return_credit(at_claim)
        self.later(self._insist([report]))

    def _deliver(self, ready: dict[str, list[Assignment]], at_claim: dict[str, Seat | None]) -> None:
        """To the connections that the steps were claimed for, and no other: a worker that has come back since then has
        said what it holds, and these leases were not among it."""
        for worker_id, assignments in ready.items():
            seat = self._dispatcher.seats.get(worker_id)
            if seat is not None and seat is at_claim[worker_id]:
                try:
                    seat.deliver(assignments)
                except Exception as error:  # noqa: BLE001 (the others are delivered all the same)
                    for one in assignments:
                        self._fail(one.step, error, seat)
            else:
                # The worker left between claim and commit; nobody ever saw these leases.
                given_back = [ReleaseAttempt(ref=ref_of(one.step), namespace=one.step.namespace) for one in assignments]
                self.later(self._insist(given_back))

    async def _read_and_deliver(
        self, steps: list[OpenStep], known: dict[str, RunFacts], at_claim: dict[str, Seat | None]
    ) -> None:
        try:
            found = await self._read(lambda: self._payloads_of(steps, known))
        except Exception as error:  # noqa: BLE001 (found by halving, and told as the failure of one step)
            if len(steps) == 1:
                self._fetching.discard(lease_of(steps[0]))
                self._fail(steps[0], error, at_claim[steps[0].worker_id or ""])
                return
            for part in (steps[: len(steps) // 2], steps[len(steps) // 2 :]):
                await self._read_and_deliver(part, known, at_claim)
            return
        if found is None:
            return
        runs, produced, failures = found
        ready: dict[str, list[Assignment]] = {}
        for step in steps:
            seat = at_claim[step.worker_id or ""]
            if lease_of(step) not in self._fetching:
                self._dispatcher.return_credit(seat)
                continue
            self._fetching.discard(lease_of(step))
            try:
                assignment = self._from_read(runs[step.run_id], step, produced, failures.get(step.run_id, b"null"))
            except Exception as error:  # noqa: BLE001 (told as the failure of this step, and of no other)
                self._fail(step, error, seat)
            else:
                ready.setdefault(step.worker_id or "", []).append(assignment)
        self._deliver(ready, at_claim)

    async def _payloads_of(
        self, steps: list[OpenStep], known: dict[str, RunFacts]
    ) -> tuple[dict[str, RunFacts], Produced, dict[str, bytes]]:
        """All that the inputs of ``steps`` are made of. Raises StoreUnavailable."""
        # Another replica may have ended a parent since this one has seen the run.
        unknown = [
            step.run_id for step in steps if step.run_id not in known or None in self._refs(known[step.run_id], step)
        ]
        runs = {**known, **(await self._store.facts(unknown) if unknown else {})}
        # Each once, and in this order: which of many payloads is forgotten first must not depend on the order of a set.
        run_ids = dict.fromkeys(step.run_id for step in steps)
        refs = dict.fromkeys(ref for step in steps for ref in self._refs(runs[step.run_id], step) if ref is not None)
        produced = await self._payloads.fetch(run_ids, refs)
        failures: dict[str, bytes] = {}
        for step in steps:
            if runs[step.run_id].version.definition.by_name[step.step].reads_failure:
                document = await self._store.run(step.namespace, step.run_id)
                if document is not None:
                    failures[step.run_id] = failure_document(document)
        return runs, produced, failures

    def _refs(self, run: RunFacts, step: OpenStep) -> Iterable[OutputRef | None]:
        return outputs_needed(run, run.version.definition.by_name[step.step]).values()

    def _from_read(self, run: RunFacts, step: OpenStep, produced: Produced, failure: bytes) -> Assignment:
        refs = outputs_needed(run, run.version.definition.by_name[step.step])
        outputs = {parent: produced.outputs[ref] for parent, ref in refs.items() if ref is not None}
        return self._assignment(run, step, produced.inputs[step.run_id], outputs, failure)

    # ── Ends ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _send_ends(self, turn: Turn) -> None:
        changes = turn.facts.changes
        for run_id in self._feed.awaited((*changes.runs_changed, *changes.runs_added)):
            facts = turn.facts.runs[run_id]
            if not is_terminal(facts.run.status):
                continue
            end = self._end_from_memory(facts, turn)
            if end is not None:
                self._feed.ended(end)
            else:
                self.later(self._tell_end(facts.run))

    def _end_from_memory(self, facts: RunFacts, turn: Turn) -> RunEnd | None:
        run = facts.run
        error = None
        if run.failed_step is not None:
            error = last_error(run, (attempt for attempt, _ in turn.facts.changes.attempts_added))
            if error is None:
                return None
        outputs: dict[str, bytes] = {}
        for step in facts.version.definition.steps:
            ref = output_ref(facts, step.name)
            if ref is not None:
                payload = self._payloads.known(ref)
                if payload is None:
                    return None
                outputs[step.name] = payload
        return RunEnd(run, outputs, error)

    def _results(self, facts: RunFacts) -> dict[str, OutputRef]:
        return {
            step.name: ref
            for step in facts.version.definition.steps
            if (ref := output_ref(facts, step.name)) is not None
        }

    async def _tell_end(self, run: Run) -> None:
        await self._read(lambda: self._read_end(run))

    async def _read_end(self, run: Run) -> None:
        document = await self._store.run(run.namespace, run.id)
        if document is not None and is_terminal(document.run.status):
            self._feed.ended(await self.end_of(document))

    async def end_of(self, document: RunDocument) -> RunEnd:
        """The end of a terminal run, with its outputs."""
        refs = self._results(facts_of(document))
        produced = await self._payloads.fetch((), refs.values())
        outputs = {step: produced.outputs[ref] for step, ref in refs.items() if ref in produced.outputs}
        return RunEnd(document.run, outputs, last_error(document.run, document.ended))

    async def end_awaited(self, among: Iterable[str] | None = None) -> None:
        """Look whether runs that are awaited here (those ``among`` them, if given) were ended by another replica."""
        awaited = self._feed.awaited_ids if among is None else self._feed.awaited(among)
        # Most of those that have ended were ended here, and told of while the store was asked.
        ended = self._feed.awaited(await self._store.ended(awaited)) if awaited else []
        await self.tell_ends(list((await self._store.facts(ended)).values()) if ended else [])

    async def tell_ends(self, ended: Sequence[RunFacts]) -> None:
        """Tell the waiters of these terminal runs, so many at a time that their results fit into memory together.

        Raises StoreUnavailable.
        """
        for begin in range(0, len(ended), MOST_ENDS):
            await self._tell_some_ends(ended[begin : begin + MOST_ENDS])

    async def _tell_some_ends(self, ended: Sequence[RunFacts]) -> None:
        refs = {facts.run.id: self._results(facts) for facts in ended}
        produced = await self._payloads.fetch((), [ref for results in refs.values() for ref in results.values()])
        for facts in ended:
            if facts.run.failed_step is not None:
                await self._read_end(facts.run)
            elif self._feed.is_awaited(facts.run.id):
                results = refs[facts.run.id].items()
                outputs = {step: produced.outputs[ref] for step, ref in results if ref in produced.outputs}
                self._feed.ended(RunEnd(facts.run, outputs, None))
