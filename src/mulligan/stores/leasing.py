"""How a claim chooses among the steps that are ready: the same for both databases, which only bring the candidates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from heapq import heapify, heappop, heapreplace
from itertools import islice

import msgspec

from mulligan.core.facts import Claim
from mulligan.core.limits import bounded
from mulligan.core.records import OpenState, OpenStep

Route = tuple[str, str]
"""(namespace, route)"""


class Queue:
    """Ready steps of one route in the order of claiming. What one claim has taken, the next does not see."""

    __slots__ = ("_rest", "head")

    def __init__(self, steps: Iterable[OpenStep]) -> None:
        self._rest = iter(steps)
        self.head = next(self._rest, None)

    def pop(self) -> OpenStep:
        taken = self.head
        assert taken is not None
        self.head = next(self._rest, None)
        return taken

    def pop_many(self, most: int) -> list[OpenStep]:
        """The foremost, at most so many: no other queue competes with them."""
        if self.head is None or most < 1:
            return []
        taken = [self.head, *islice(self._rest, most - 1)]
        self.head = next(self._rest, None)
        return taken


def place_of(step: OpenStep) -> tuple[int, datetime, str, str]:
    return (-step.priority, step.queued_at, step.run_id, step.step)


def queues_of(steps: Iterable[OpenStep], asked: set[Route]) -> dict[Route, list[Queue]]:
    """The ready ones among ``steps``, by those routes that are asked for."""
    ready: dict[Route, list[OpenStep]] = {}
    for step in steps:
        if step.state is OpenState.READY and (step.namespace, step.route) in asked:
            ready.setdefault((step.namespace, step.route), []).append(step)
    return {route: [Queue(sorted(waiting, key=place_of))] for route, waiting in ready.items()}


def take(queues: Sequence[Queue], slots: int) -> list[OpenStep]:
    """The foremost steps of several queues, at most ``slots`` of them."""
    if len(queues) == 1:
        return queues[0].pop_many(slots)
    heap = [(place_of(queue.head), index, queue) for index, queue in enumerate(queues) if queue.head is not None]
    heapify(heap)
    taken: list[OpenStep] = []
    while heap and len(taken) < slots:
        _, index, queue = heap[0]
        taken.append(queue.pop())
        if queue.head is None:
            heappop(heap)
        else:
            heapreplace(heap, (place_of(queue.head), index, queue))
    return taken


def lease_foremost(
    queues: dict[Route, list[Queue]], claims: Sequence[Claim], now: datetime, token: str
) -> list[OpenStep]:
    """What each claim gets, in the order of the claims."""
    leased: list[OpenStep] = []
    for claim in claims:
        own = [queue for route in claim.routes for queue in queues.get((claim.namespace, route), ())]
        leased += [leased_to(claim, step, now, token) for step in take(own, claim.slots)]
    return leased


def leased_to(claim: Claim, step: OpenStep, now: datetime, token: str) -> OpenStep:
    return msgspec.structs.replace(
        step,
        state=OpenState.LEASED,
        attempt=step.attempt + 1,
        token=token,
        worker_id=claim.worker_id,
        since_at=now,
        due_at=None if step.start_to_close is None else now + bounded(step.start_to_close),
    )
