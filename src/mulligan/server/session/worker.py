"""The worker's side of a session: hello, credits, assignments, reports, beats, goodbye."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec

from mulligan.core.commands import (
    AppendLogs,
    AttemptRef,
    BeatWorker,
    Command,
    ConnectWorker,
    DisconnectWorker,
    DrainWorker,
    FinishAttempt,
    ReleaseAttempt,
    Verdict,
)
from mulligan.core.decide.attempts import ref_of
from mulligan.core.limits import ERROR, LONGEST_SPAN
from mulligan.core.records import LogLine, Outcome, RecordedError
from mulligan.engine.api import UNWANTED, Assignment, Seat
from mulligan.errors import InvalidInput, MulliganError, TooLarge, Unavailable
from mulligan.server.session.declared import check_definitions, check_leases, is_name
from mulligan.server.session.outbox import Outbox
from mulligan.server.site import Call
from mulligan.wire.json_text import check
from mulligan.wire.messages import (
    PROTOCOL,
    Acknowledge,
    Assign,
    Beat,
    Credit,
    FromServer,
    Hello,
    Lease,
    Logs,
    Refused,
    Report,
    Stop,
    Welcome,
)

MOST_SLOTS = 10_000
LONGEST_LOG_LINE = 64 * 1024
HIGHEST_LEVEL = 2**31 - 1
BUSY = 1_000
"""With so many requests in the engine's inbox, log lines are dropped: results are not."""
_OUTCOMES = {
    outcome.value: outcome for outcome in (Outcome.SUCCEEDED, Outcome.FAILED, Outcome.TIMED_OUT, Outcome.CANCELLED)
}

log = logging.getLogger("mulligan.server")


class WorkerRole:
    """One connection of a worker. A worker that reconnects gets a new one, with the same ``worker_id``.

    ``trusted``: the worker is this very process, so that its JSON need not be checked again.
    """

    def __init__(self, call: Call, outbox: Outbox, *, trusted: bool) -> None:
        self._engine = call.engine
        self._namespace = call.namespace
        self._counts = call.site.counts
        self._outbox = outbox
        self._trusted = trusted
        self._seat: Seat | None = None
        self._digests: dict[str, str] = {}
        self._held: dict[Lease, str] = {}
        """The leases that this connection knows of, each with the workflow that it is of."""
        self._is_leaving = False

    @property
    def is_seated(self) -> bool:
        return self._seat is not None

    # ── Coming and going ─────────────────────────────────────────────────────────────────────────────────────────────

    async def hello(self, hello: Hello) -> None:
        """Register what the worker declares, and seat it. Raises MulliganError when it cannot be."""
        self._check(hello)
        versions = await self._engine.register(self._namespace, hello.definitions)
        self._digests = {version.workflow: version.digest for version in versions}
        await self._recall(hello.running)
        routes = await self._engine.routes_served(self._namespace, hello.definitions)
        seat = Seat(hello.worker_id, self._namespace, routes, self._deliver, self._stop, self._refs_held)
        command = ConnectWorker(
            worker_id=hello.worker_id,
            namespace=self._namespace,
            name=hello.name,
            host=hello.host,
            pid=hello.pid,
            sdk=hello.sdk,
            slots=hello.slots,
            labels=hello.labels,
            workflows=self._digests,
            running=tuple(hello.running),
            lost=tuple(hello.lost),
            connection=hello.connection,
        )
        await self._engine.connect_worker(command, seat)
        self._seat = seat
        policy = self._engine.policy
        welcome = Welcome(
            protocol=PROTOCOL,
            ttl_ms=_ms(policy.worker_ttl),
            beat_ms=_ms(policy.beat),
            versions={version.workflow: (version.digest, version.number) for version in versions},
        )
        self._outbox.say([welcome])
        await self._stop_what_is_over(hello.running)

    def _check(self, hello: Hello) -> None:
        if self._seat is not None:
            raise InvalidInput("This connection has said hello before.", code="protocol")
        if hello.protocol != PROTOCOL:
            raise InvalidInput(
                f"The worker speaks protocol {hello.protocol}, the server {PROTOCOL}. Upgrade the older of the two.",
                code="protocol",
            )
        if not all(is_name(text) for text in (hello.worker_id, hello.name)) or not 0 < hello.slots <= MOST_SLOTS:
            raise InvalidInput(f"A worker has an id, a name and 1 to {MOST_SLOTS:,} slots.")
        check_definitions(hello.definitions)
        check_leases((*hello.running, *hello.lost))

    async def _recall(self, running: Sequence[Lease]) -> None:
        """The leases of an earlier connection: their reports name no workflow, so it is looked up."""
        if running:
            runs = await self._engine.store.facts([lease.run_id for lease in running])
            for lease in running:
                run = runs.get(lease.run_id)
                if run is not None and run.run.namespace == self._namespace:
                    self._held[lease] = run.run.workflow

    async def _stop_what_is_over(self, running: Sequence[Lease]) -> None:
        """What has ended while the worker was away is known to nobody here, so that nobody else would ever stop it."""
        live = await self._engine.store.live_leases([lease.run_id for lease in running]) if running else set()
        over = [each for each in running if each not in self._held or (each.run_id, each.step, each.token) not in live]
        if over:
            self._stop(over, UNWANTED)

    def drain(self) -> None:
        if self._seat is not None:
            self._seat.draining = True
            self._tell_engine([DrainWorker(worker_id=self._seat.worker_id)])

    def goodbye(self) -> None:
        self._is_leaving = True

    async def close(self, unsaid: Sequence[FromServer]) -> None:
        """The connection has ended. Assignments that never left, ``unsaid``, are handed back at once."""
        seat, self._seat = self._seat, None
        if seat is None:
            return
        is_current = self._engine.dispatcher.seats.get(seat.worker_id) is seat
        self._engine.unseat(seat)
        commands: list[Command] = [
            ReleaseAttempt(ref=message.lease, namespace=self._namespace)
            for message in unsaid
            if isinstance(message, Assign)
        ]
        if is_current:
            gone = DisconnectWorker(worker_id=seat.worker_id, clean=self._is_leaving, session=seat.session)
            commands.append(gone)
        await self._engine.submit_all(commands)

    def beat(self, beat: Beat) -> None:
        if self._seat is not None:
            command = BeatWorker(worker_id=self._seat.worker_id, lag_ms=beat.lag_ms, running=beat.running)
            self._engine.submit_later([command]).add_done_callback(self._beaten)

    def _beaten(self, answers: asyncio.Future[list[Any]]) -> None:
        if not answers.cancelled() and answers.result() == [False]:
            gone = "The server has given this worker up: its beats did not arrive in time. Connect again."
            self._outbox.say([Refused(code="worker_gone", message=gone, fatal=True)])

    # ── Work ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def credit(self, credit: Credit) -> None:
        seat = self._seat
        if seat is not None and credit.slots > 0:
            self._engine.add_credits(seat, min(credit.slots, MOST_SLOTS - seat.credits))

    def _deliver(self, assignments: list[Assignment]) -> None:
        self._counts.assignments += len(assignments)
        assigns: list[FromServer] = []
        for assignment in assignments:
            assign = self._assign(assignment)
            self._held[assign.lease] = assign.workflow
            assigns.append(assign)
        self._outbox.say(assigns)

    def _assign(self, assignment: Assignment) -> Assign:
        step, run, definition = assignment.step, assignment.run, assignment.definition
        return Assign(
            lease=ref_of(step),
            workflow=run.workflow,
            version=assignment.version,
            input=assignment.input,
            overrides=assignment.overrides,
            key=run.key_scope,
            metadata=run.metadata,
            failures=step.failures,
            retries=definition.retry.retries,
            remaining_ms=None if definition.start_to_close is None else _ms(definition.start_to_close),
            generation=run.generation,
            source_id=run.source_id,
        )

    def _refs_held(self) -> list[AttemptRef]:
        return list(self._held)

    def _stop(self, attempts: Sequence[AttemptRef], reason: str) -> None:
        for lease in attempts:
            self._held.pop(lease, None)
        self._outbox.say([Stop(leases=list(attempts), reason=reason)])

    # ── Reports ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def check_report(self, report: Report) -> None:
        """Raises InvalidInput for a report of what can be no lease."""
        if report.lease not in self._held:
            check_leases([report.lease])

    def report(self, reports: Sequence[Report]) -> None:
        """All reports of one frame, committed together and acknowledged together."""
        if self._seat is None or not reports:
            return
        self._counts.reports += len(reports)
        commands = [self._finish(report, self._seat.worker_id) for report in reports]
        leases = [report.lease for report in reports]
        self._engine.submit_later(commands).add_done_callback(partial(self._reported, leases))

    def _finish(self, report: Report, worker_id: str) -> FinishAttempt:
        outcome = _OUTCOMES.get(report.outcome, Outcome.FAILED)
        output, error, readings = report.output, report.error, tuple(report.readings)
        if not self._trusted:
            try:
                self._check_result(report)
            except (InvalidInput, TooLarge) as refusal:
                # A data error is the step's own failure, told where it can be read; it would never fit.
                outcome, output, readings = Outcome.FAILED, None, ()
                error = RecordedError(type="mulligan.InvalidResult", message=str(refusal), retryable=False)
        if outcome is Outcome.SUCCEEDED:
            output, error = output or b"null", None
        else:
            output = None
        return FinishAttempt(
            ref=report.lease,
            namespace=self._namespace,
            worker_id=worker_id,
            outcome=outcome,
            output=output,
            error=error,
            readings=readings,
            version=self._digests.get(self._held.get(report.lease, ""), ""),
        )

    def _check_result(self, report: Report) -> None:
        if report.outcome not in _OUTCOMES:
            raise InvalidInput(f"The worker reported the outcome {report.outcome!r}, which there is not.")
        if report.output is not None:
            check(report.output, f"The output of step {report.lease.step}")
        if report.error is not None and (size := len(msgspec.msgpack.encode(report.error))) > ERROR:
            raise TooLarge(f"The error of step {report.lease.step} has {size:,} bytes; the limit is {ERROR:,}.")
        for reading in report.readings:
            if not is_name(reading.name):
                raise InvalidInput(f"The playground variable {reading.name!r} has no name of printable characters.")
            where = f"The playground variable {reading.name}"
            for text in (reading.default, reading.value, reading.schema, reading.override or "null"):
                check(text.encode(), where)

    def _reported(self, leases: list[Lease], answers: asyncio.Future[list[Any]]) -> None:
        if answers.cancelled():
            return
        settled: list[Lease] = []
        verdicts: list[str] = []
        for lease, answer in zip(leases, answers.result(), strict=True):
            verdict = self._verdict(lease, answer)
            if verdict is not None:
                self._held.pop(lease, None)
                settled.append(lease)
                verdicts.append(verdict)
        if settled:
            self._outbox.say([Acknowledge(leases=settled, verdicts=verdicts)])

    def _verdict(self, lease: Lease, answer: object) -> str | None:
        """None: whether it was committed is not known, so that the worker has to send it again."""
        if isinstance(answer, Verdict):
            if answer.applied:
                return "applied"
            self._counts.stale_reports += answer.stale
            self._counts.repeated_reports += not answer.stale
            return "stale" if answer.stale else "repeated"
        if isinstance(answer, MulliganError) and not isinstance(answer, Unavailable):
            log.warning("a report of %s/%s was refused: %s", lease.run_id, lease.step, answer)
            return "stale"
        self._counts.unknown_reports += 1
        return None

    def release(self, leases: Sequence[Lease]) -> None:
        """Only what this connection holds, each once: the number of commands that it can ask for is bounded by that."""
        check_leases(leases)
        held = [lease for lease in leases if self._held.pop(lease, None) is not None]
        self._tell_engine([ReleaseAttempt(ref=lease, namespace=self._namespace) for lease in held])

    def logs(self, logs: Logs) -> None:
        """Only of attempts that this worker holds."""
        if logs.lease not in self._held or len(self._engine.cycle.inbox.waiting) > BUSY:
            self._counts.dropped_log_lines += len(logs.lines)
            return
        lease, now = logs.lease, self._engine.clock.now()
        lines = tuple(
            LogLine(
                run_id=lease.run_id,
                step=lease.step,
                attempt=lease.attempt,
                namespace=self._namespace,
                at=_moment(entry.at, now),
                level=min(max(entry.level, 0), HIGHEST_LEVEL),
                logger=entry.logger[:200],
                message=entry.message[:LONGEST_LOG_LINE],
            )
            for entry in logs.lines
        )
        self._tell_engine([AppendLogs(lines=lines)])

    def _tell_engine(self, commands: Sequence[Command]) -> None:
        """Nobody waits for the answers: what was not carried out is made up for by leases that run out."""
        if commands:
            _ = self._engine.submit_later(commands)


def _moment(at: datetime, now: datetime) -> datetime:
    """When a line was logged, or ``now`` if that is no time that a database could hold: one such line would be refused
    by itself, and everybody would wait for that."""
    return at if at.tzinfo is not None and abs(at - now) <= LONGEST_SPAN else now


def _ms(span: timedelta) -> int:
    return round(span.total_seconds() * 1_000)
