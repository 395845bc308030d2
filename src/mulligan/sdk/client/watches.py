"""Who waits for the ends of which runs, on one event loop. No link: what there is to say is collected."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from mulligan.errors import MulliganError
from mulligan.wire.messages import FromSdk, RunEnded, Unwatch, Watch

End = RunEnded | MulliganError


@dataclass(eq=False, slots=True)
class Wait:
    """One question for the ends of runs, answered when all are known. Not a future for each: a step may have thousands
    of children, and every future would be a turn of the loop."""

    run_ids: Sequence[str]
    future: asyncio.Future[None]
    left: set[str]
    ends: dict[str, RunEnded] = field(default_factory=dict)

    def take(self, run_id: str, end: End) -> None:
        if isinstance(end, MulliganError):
            if not self.future.done():
                self.future.set_exception(end)
            return
        self.ends[run_id] = end
        self.left.discard(run_id)
        if not self.left and not self.future.done():
            self.future.set_result(None)


class Watches:
    """Each run is asked for once, however many wait for it."""

    def __init__(self) -> None:
        self._waits: dict[str, list[Wait]] = {}
        """By run. An empty list: its end was asked for together with its start, and nobody waits for it yet."""
        self._early: dict[str, End] = {}
        """How such a run ended before anybody waited for it."""
        self._parts: dict[str, dict[str, bytes]] = {}
        """Of a run whose end comes in several messages: the results so far."""
        self._to_watch: list[str] = []
        self._to_unwatch: list[str] = []

    def __bool__(self) -> bool:
        return bool(self._waits)

    @property
    def has_news(self) -> bool:
        """Is there anything to say to the server?"""
        return bool(self._to_watch or self._to_unwatch)

    def expect(self, run_id: str) -> None:
        """It will be waited for; the question for its end goes out with its start."""
        if run_id not in self._waits:
            self._waits[run_id] = []
            self._to_watch.append(run_id)

    def give_up(self, run_id: str) -> None:
        """A run that was expected has not come to be, or who started it has gone."""
        self._early.pop(run_id, None)
        if self._waits.get(run_id) == []:
            self._forget(run_id)

    def wait_for(self, run_ids: Sequence[str]) -> Wait:
        """Ask for the ends. Whoever stops waiting must ``leave``."""
        wait = Wait(run_ids, asyncio.get_running_loop().create_future(), set(run_ids))
        if not run_ids:
            wait.future.set_result(None)
        for run_id in dict.fromkeys(run_ids):
            end = self._early.pop(run_id, None)
            if end is not None:
                wait.take(run_id, end)
                continue
            if run_id not in self._waits:
                self._waits[run_id] = []
                self._to_watch.append(run_id)
            self._waits[run_id].append(wait)
        return wait

    def leave(self, wait: Wait) -> None:
        """What has not ended by now is not waited for any more."""
        for run_id in sorted(wait.left):
            waiting = self._waits.get(run_id, [])
            if wait in waiting:
                waiting.remove(wait)
                if not waiting:
                    self._forget(run_id)

    def _forget(self, run_id: str) -> None:
        del self._waits[run_id]
        self._parts.pop(run_id, None)
        self._to_unwatch.append(run_id)

    def take(self, message: RunEnded) -> None:
        """The server tells how a run ended, or a part of it."""
        earlier = self._parts.pop(message.run_id, None)
        if earlier is not None:
            message = msgspec.structs.replace(message, outputs={**earlier, **message.outputs})
        if not message.more:
            self.ended(message.run_id, message)
        elif message.run_id in self._waits:
            self._parts[message.run_id] = message.outputs

    def ended(self, run_id: str, end: End) -> None:
        """The server has told how it ended, or why nobody will ever know."""
        waiting = self._waits.pop(run_id, None)
        if waiting is None:
            return
        if not waiting:
            self._early[run_id] = end
        for wait in waiting:
            wait.take(run_id, end)

    def fail_all(self, error: MulliganError) -> None:
        for run_id in list(self._waits):
            self.ended(run_id, error)

    def repeat(self) -> None:
        """A new connection knows of none of them."""
        self._to_watch = list(self._waits)
        self._to_unwatch = []
        self._parts = {}

    def collect(self) -> list[FromSdk]:
        """What there is to say now. Who was asked for and given up in the same turn is not spoken of."""
        watch, self._to_watch = self._to_watch, []
        unwatch, self._to_unwatch = self._to_unwatch, []
        watch = [run_id for run_id in watch if run_id in self._waits]
        unwatch = [run_id for run_id in unwatch if run_id not in self._waits]
        messages: list[FromSdk] = []
        if watch:
            messages.append(Watch(run_ids=watch))
        if unwatch:
            messages.append(Unwatch(run_ids=unwatch))
        return messages
