"""Who can take work now: the workers connected to this replica, their routes and their credits."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

import msgspec

from mulligan.core.commands import AttemptRef
from mulligan.core.facts import Claim
from mulligan.core.records import OpenState, OpenStep, Run, StepDefinition, Worker, WorkerState

NO_ROUTES: frozenset[str] = frozenset()


class Assignment(msgspec.Struct, frozen=True, gc=False):
    """A leased step with all that its worker needs. ``input``: the document of its arguments, edits applied."""

    step: OpenStep
    run: Run
    definition: StepDefinition
    version: str
    input: bytes
    overrides: dict[str, str]


@dataclass(slots=True, eq=False)
class Seat:
    """One connected worker. ``credits`` is how many more assignments it has asked for.

    ``held``: the attempts that it was given and has not settled. ``session`` names this connection,
    ``connection`` is its number as the worker counts its own.
    """

    worker_id: str
    namespace: str
    routes: frozenset[str]
    deliver: Callable[[list[Assignment]], None]
    stop: Callable[[Sequence[AttemptRef], str], None]
    held: Callable[[], Collection[AttemptRef]] = tuple
    session: str = ""
    connection: int = 0
    credits: int = 0
    draining: bool = False

    @property
    def can_take(self) -> bool:
        return self.credits > 0 and not self.draining


@dataclass(slots=True)
class Dispatcher:
    """``ready_routes``: by namespace, the routes on which steps may be ready: a hint that saves claims, corrected by
    sweeps. Workflows of two namespaces have equal routes, and one's steps say nothing about the other's.

    ``wake``: called when a credit has come back, for which a step may be waiting; the cycle sets it.
    """

    seats: dict[str, Seat] = field(default_factory=dict)
    ready_routes: dict[str, set[str]] = field(default_factory=dict)
    wake: Callable[[], None] = lambda: None

    def hint(self, steps: Iterable[OpenStep]) -> None:
        ready = OpenState.READY
        for step in steps:
            if step.state is ready:
                self.ready_routes.setdefault(step.namespace, set()).add(step.route)

    def hint_routes(self, routes: Set[str]) -> None:
        """On ``routes`` steps of some namespace are ready: any that is served here may be meant."""
        for seat in self.seats.values():
            self.ready_routes.setdefault(seat.namespace, set()).update(seat.routes & routes)

    def clear_seats(self, looked_for: Iterable[str], workers: Mapping[str, Worker]) -> None:
        """Of those who were given up, removed, or have said hello elsewhere since. ``workers``: as they are stored.

        Their connections may look open for a while yet, and what is leased to them now would never be taken back.
        """
        for worker_id in looked_for:
            seat, worker = self.seats.get(worker_id), workers.get(worker_id)
            if seat is None:
                continue
            if worker is None or worker.state is WorkerState.GONE or worker.session != seat.session:
                del self.seats[worker_id]
            elif worker.state is WorkerState.DRAINING:
                seat.draining = True

    def claims(self, workers: Mapping[str, Worker], among: Container[str] | None = None) -> list[Claim]:
        """What the connected workers could take now, emptiest hands first.

        ``workers`` as this transaction leaves them: whoever is given up in it must not be given its steps back.
        ``among``: of others it is not known how they are stored; None where nobody else can have changed that.
        """
        claims: list[Claim] = []
        for seat in sorted(self.seats.values(), key=lambda seat: -seat.credits):
            known = workers.get(seat.worker_id)
            is_well = known is None or known.state is WorkerState.ACTIVE
            if seat.can_take and is_well and (among is None or seat.worker_id in among):
                routes = seat.routes & self.ready_routes.get(seat.namespace, NO_ROUTES)
                if routes:
                    claims.append(Claim(seat.worker_id, seat.namespace, routes, seat.credits))
        return claims

    def can_claim(self) -> bool:
        return bool(self.ready_routes) and any(
            seat.can_take and not seat.routes.isdisjoint(self.ready_routes.get(seat.namespace, NO_ROUTES))
            for seat in self.seats.values()
        )

    def use_credit(self, worker_id: str) -> None:
        seat = self.seats.get(worker_id)
        if seat is not None:
            seat.credits -= 1

    def return_credit(self, at_claim: Seat | None) -> None:
        """A step is not sent after all to the connection that it was claimed for. A newer one has not paid for it."""
        if at_claim is not None:
            at_claim.credits += 1
            self.wake()

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
                self.ready_routes[claim.namespace] -= claim.routes
