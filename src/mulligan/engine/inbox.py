"""What waits for the next turn of the cycle."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from mulligan.core.commands import AppendLogs, Command, FinishAttempt, ReplayRun, StartRun

Submit = Callable[[Sequence[Command]], Awaitable[list[Any]]]
"""How agents hand commands in. Answers in the order of the commands; a refusal is an exception among them."""


@dataclass(slots=True, eq=False)
class Request:
    """Commands that came together; ``answers`` is set, with a value or an exception for each, after the commit."""

    commands: Sequence[Command]
    answers: asyncio.Future[list[Any]]


class Entry(msgspec.Struct, eq=False):
    """One command of a turn, with its answer (or the error it was refused with) once it has been decided.

    Seen by the garbage collector, unlike plain values: an error may lead back to it.
    """

    command: Command
    answer: Any = None


def size_of(command: Command) -> int:
    """Bytes of what it carries, as far as it matters: small ones are bounded by their number."""
    match command:
        case StartRun() | ReplayRun():
            return len(command.input)
        case FinishAttempt():
            readings = sum(len(reading.value) for reading in command.readings) if command.readings else 0
            return len(command.output or b"") + readings
        case AppendLogs():
            return sum(len(line.message) for line in command.lines)
        case _:
            return 0


@dataclass(slots=True)
class Inbox:
    """A queue that is bounded by its senders: sessions stop reading while too many of their starts are unanswered,
    reports and logs are bounded by slots, and everybody else waits for answers before asking for more."""

    waiting: deque[Request] = field(default_factory=deque)

    def put(self, request: Request) -> None:
        self.waiting.append(request)

    def drain(self, limit: int, size: int) -> list[Request]:
        """The oldest requests, whole ones, until they hold ``limit`` commands or ``size`` bytes, or more."""
        taken: list[Request] = []
        commands = taken_size = 0
        while self.waiting and commands < limit and taken_size < size:
            request = self.waiting.popleft()
            commands += len(request.commands)
            taken_size += sum(map(size_of, request.commands))
            taken.append(request)
        return taken
