"""The client's side of a session: starting runs, many at a time, and hearing how they end."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import Any

import msgspec

from mulligan.core.commands import Started, StartRun
from mulligan.core.limits import FRAME, LARGEST_PRIORITY, LONGEST_SPAN, MESSAGE
from mulligan.engine.api import RunEnd, no_run
from mulligan.errors import InvalidInput, MulliganError, NotFound, Unavailable
from mulligan.server.reading.scene import RUN_ID
from mulligan.server.session.outbox import Outbox
from mulligan.server.site import Call
from mulligan.wire.json_text import check
from mulligan.wire.messages import Accepted, Refused, RunEnded, Start, StartAnswer, StartSpec

MOST_STARTS = 10_000
MOST_UNANSWERED = FRAME
"""Bytes of starts that the engine has not answered yet; while there are more, nothing is read from this connection."""
A_START = 1_000
"""Bytes that a start is counted as beside its input."""
MOST_WATCHED = 100_000
MOST_LOOKED_UP = 50
"""Ended runs whose results are read together: enough to save questions, few enough to hold them in memory."""
LONGEST_KEY = 255
KEY_SCOPE = re.compile("[0-9a-f]{32}")
MOST_METADATA = 100
LONGEST_DELAY_MS = LONGEST_SPAN // timedelta(milliseconds=1)
NO_DELAY = timedelta()

log = logging.getLogger("mulligan.server")


class ClientRole:
    def __init__(self, call: Call, outbox: Outbox, *, trusted: bool) -> None:
        self._engine = call.engine
        self._namespace = call.namespace
        self._counts = call.site.counts
        self._outbox = outbox
        self._trusted = trusted
        self._starting: set[str] = set()
        self._unanswered = 0
        self._answered = asyncio.Event()
        self._answered.set()
        self._watched: set[str] = set()
        self._unsure: dict[str, None] = {}
        """Those of the watched that may have ended, to be looked up in this order."""
        self._looking: asyncio.Task[None] | None = None

    # ── Starting ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self, start: Start) -> None:
        """Each run is accepted or refused by itself; the answer comes when those accepted are on disk."""
        problems: dict[int, tuple[str, str]] = {}
        commands: list[StartRun] = []
        places: list[int] = []
        if len(start.runs) > MOST_STARTS:
            many = f"A start holds at most {MOST_STARTS:,} runs, not {len(start.runs):,}. Send several."
            self._outbox.say([Refused(code="too_large", message=many, seq=start.seq)])
            return
        for place, spec in enumerate(start.runs):
            try:
                commands.append(self._command(spec))
                places.append(place)
            except MulliganError as error:
                problems[place] = (error.code, str(error))
        self._starting.update(command.run_id for command in commands)
        self._wait_for(sum(len(command.input) + A_START for command in commands))
        answers = self._engine.submit_later(commands)
        answers.add_done_callback(partial(self._started, start, commands, places, problems))

    def _wait_for(self, size: int) -> None:
        """So much more is unanswered; less, if it is negative."""
        self._unanswered += size
        if self._unanswered > MOST_UNANSWERED:
            self._answered.clear()
        else:
            self._answered.set()

    async def has_room(self) -> None:
        """Return once the engine keeps up."""
        await self._answered.wait()

    def _command(self, spec: StartSpec) -> StartRun:
        if not 0 <= spec.delay_ms <= LONGEST_DELAY_MS or abs(spec.priority or 0) > LARGEST_PRIORITY:
            raise InvalidInput("The delay is 0 s to 10 years, and the priority -1000 to 1000.")
        if not self._trusted:
            _check_spec(spec)
        return StartRun(
            run_id=spec.run_id,
            namespace=self._namespace,
            workflow=spec.workflow,
            input=spec.input,
            version=spec.version,
            metadata=spec.metadata,
            priority=spec.priority,
            delay=timedelta(milliseconds=spec.delay_ms) if spec.delay_ms else NO_DELAY,
            idempotency_key=spec.idempotency_key,
            overrides=spec.overrides,
            parent_id=spec.parent_id,
            parent_step=spec.parent_step,
            repeated=spec.repeated,
            key_scope=spec.key_scope,
        )

    def _started(
        self,
        start: Start,
        commands: list[StartRun],
        places: list[int],
        problems: dict[int, tuple[str, str]],
        answers: asyncio.Future[list[Any]],
    ) -> None:
        self._wait_for(-sum(len(command.input) + A_START for command in commands))
        if answers.cancelled():
            return
        accepted: list[Accepted | None] = [None] * len(start.runs)
        for place, command, answer in zip(places, commands, answers.result(), strict=True):
            self._starting.discard(command.run_id)
            if isinstance(answer, Started):
                accepted[place] = Accepted(answer.run_id, answer.existing)
            else:
                error = answer if isinstance(answer, MulliganError) else Unavailable(str(answer))
                problems[place] = (error.code, str(error))
            if not isinstance(answer, Started) or answer.existing:
                self._look_again(command.run_id)
        self._counts.starts += sum(isinstance(each, Started) and not each.existing for each in answers.result())
        self._counts.refused_starts += len(problems)
        self._outbox.say([StartAnswer(seq=start.seq, answers=accepted, problems=problems)])

    # ── Watching ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def watch(self, run_ids: Sequence[str]) -> None:
        """A run that is being started in the same breath needs no look at the store: it cannot have ended yet."""
        unknown: list[str] = []
        for run_id in run_ids:
            if run_id in self._watched:
                continue
            if RUN_ID.fullmatch(run_id) is None:
                self._refuse(run_id, "not_found", no_run(run_id))
                continue
            if len(self._watched) >= MOST_WATCHED:
                self._refuse(run_id, "too_large", f"A session watches at most {MOST_WATCHED:,} runs.")
                continue
            self._watched.add(run_id)
            if run_id in self._starting:
                self._engine.watch_new(run_id, self._ended)
            else:
                unknown.append(run_id)
        if unknown:
            self._later(unknown)

    def _look_again(self, run_id: str) -> None:
        """It was not made by this start: it may have ended long ago, or not exist."""
        if run_id in self._watched:
            self._engine.feed.forget(run_id, self._ended)
            self._later([run_id])

    def _later(self, run_ids: list[str]) -> None:
        self._unsure.update(dict.fromkeys(run_ids))
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._look_up())

    async def _look_up(self) -> None:
        """A part after the other, and none while the other side has not taken what it asked for before."""
        while self._unsure:
            await self._outbox.has_room()
            part = list(islice(self._unsure, MOST_LOOKED_UP))
            for run_id in part:
                del self._unsure[run_id]
            await self._watch_stored(part)

    async def _watch_stored(self, run_ids: list[str]) -> None:
        try:
            missing = await self._engine.watch(self._namespace, run_ids, self._ended)
            refusals: list[MulliganError] = [NotFound(no_run(run_id)) for run_id in missing]
        except Unavailable as error:
            missing, refusals = run_ids, [error] * len(run_ids)
        except Exception as error:  # the others are looked up all the same
            log.exception("watched runs could not be looked up")
            missing, refusals = run_ids, [Unavailable(f"The run cannot be read: {error!r}.")] * len(run_ids)
        for run_id, refusal in zip(missing, refusals, strict=True):
            self._watched.discard(run_id)
            self._refuse(run_id, refusal.code, str(refusal))
        for run_id in run_ids:
            if run_id not in self._watched:
                self._engine.feed.forget(run_id, self._ended)

    def _refuse(self, run_id: str, code: str, message: str) -> None:
        self._outbox.say([Refused(code=code, message=message, run_id=run_id)])

    def _ended(self, end: RunEnd) -> None:
        run = end.run
        if run.namespace != self._namespace or run.id not in self._watched:
            return
        if self._outbox.is_full:
            self._later([run.id])  # the store keeps its results until there is room
            return
        self._watched.discard(run.id)
        self._outbox.say(_messages_of(end), _size_of(end))

    def unwatch(self, run_ids: Sequence[str]) -> None:
        for run_id in run_ids:
            if run_id in self._watched:
                self._watched.discard(run_id)
                self._unsure.pop(run_id, None)
                self._engine.feed.forget(run_id, self._ended)

    async def close(self) -> None:
        self.unwatch(list(self._watched))
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)


def _size_of(end: RunEnd) -> int:
    error = 0 if end.error is None else len(msgspec.msgpack.encode(end.error))
    return sum(map(len, end.outputs.values())) + error


def _messages_of(end: RunEnd) -> list[RunEnded]:
    """One, unless the results are too large to go together."""
    run = end.run
    if sum(map(len, end.outputs.values())) <= MESSAGE:
        return [RunEnded(run.id, str(run.status), end.outputs, run.failed_step, end.error)]
    size = 0
    parts: list[dict[str, bytes]] = [{}]
    for step, output in end.outputs.items():
        size += len(output)
        if size > MESSAGE:
            parts.append({})
            size = len(output)
        parts[-1][step] = output
    *early, last = parts
    messages = [RunEnded(run.id, str(run.status), part, more=True) for part in early]
    return [*messages, RunEnded(run.id, str(run.status), last, run.failed_step, end.error)]


def _check_spec(spec: StartSpec) -> None:
    """Raises InvalidInput or TooLarge. Whatever the database will hold has been looked at after this."""
    if RUN_ID.fullmatch(spec.run_id) is None:
        raise InvalidInput(f"{spec.run_id!r} is no run id: that is a UUIDv7 as 26 characters of base32hex.")
    check(spec.input, f"input of {spec.workflow}")
    key = spec.idempotency_key
    if key is not None and not 0 < len(key) <= LONGEST_KEY:
        raise InvalidInput(f"An idempotency key has 1 to {LONGEST_KEY} characters.")
    if spec.key_scope is not None and KEY_SCOPE.fullmatch(spec.key_scope) is None:
        raise InvalidInput(f"{spec.key_scope!r} names no call of a parent: that is 32 hexadecimal digits.")
    names = [spec.workflow, spec.version or "", spec.parent_id or "", spec.parent_step or "", *spec.overrides]
    texts = (*names, key or "", *spec.metadata, *spec.metadata.values())
    if len(spec.metadata) > MOST_METADATA or "\0" in "".join(texts):
        raise InvalidInput(
            f"Names, keys and metadata hold no NUL character, and metadata at most {MOST_METADATA} entries."
        )
    for values in spec.overrides.values():
        for name, value in values.items():
            check(value.encode(), f"the playground variable {name}")
