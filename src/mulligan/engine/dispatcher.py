"""Who can take work now: the workers connected to this replica, their routes and their credits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from mulligan.core.facts import Claim
from mulligan.core.records import OpenState, OpenStep, Run, StepDefinition


@dataclass(slots=True, frozen=True)
class Assignment:
    """A leased step with all that its worker needs. ``input``: the document of its arguments, edits applied."""

    step: OpenStep
    run: Run
    definition: StepDefinition
    version: str
    input: bytes
    overrides: dict[str, str]


@dataclass(slots=True, eq=False)
class Seat:
    """One connected worker. ``credits`` is how many more assignments it has asked for."""

    worker_id: str
    namespace: str
    routes: frozenset[str]
    deliver: Callable[[list[Assignment]], None]
    stop: Callable[[list[OpenStep], str], None]
    credits: int = 0
    draining: bool = False


@dataclass(slots=True)
class Dispatcher:
    """``ready_routes`` are the routes on which steps may be ready: a hint that saves claims, corrected by sweeps."""

    seats: dict[str, Seat] = field(default_factory=dict)
    ready_routes: set[str] = field(default_factory=set)

    def hint(self, steps: Iterable[OpenStep]) -> None:
        ready = OpenState.READY
        self.ready_routes.update(step.route for step in steps if step.state is ready)

    def claims(self) -> list[Claim]:
        """What the connected workers could take now, emptiest hands first."""
        if not self.ready_routes:
            return []
        claims: list[Claim] = []
        for seat in sorted(self.seats.values(), key=lambda seat: -seat.credits):
            if seat.credits <= 0 or seat.draining:
                continue
            routes = seat.routes & self.ready_routes
            if routes:
                claims.append(Claim(seat.worker_id, seat.namespace, routes, seat.credits))
        return claims

    def can_claim(self) -> bool:
        return bool(self.ready_routes) and any(
            seat.credits > 0 and not seat.draining and not seat.routes.isdisjoint(self.ready_routes)
            for seat in self.seats.values()
        )

    def settle(self, claims: Iterable[Claim], leased: Iterable[OpenStep]) -> None:
        """Use up credits, and forget the routes that gave less than was asked for: they are empty for now."""
        taken: dict[str, int] = {}
        for step in leased:
            worker_id = step.worker_id or ""
            taken[worker_id] = taken.get(worker_id, 0) + 1
        for claim in claims:
            count = taken.get(claim.worker_id, 0)
            seat = self.seats.get(claim.worker_id)
            if seat is not None:
                seat.credits -= count
            if count < claim.slots:
                self.ready_routes -= claim.routes
