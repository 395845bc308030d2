"""Who sits where, and may take what."""

from __future__ import annotations

from mulligan.engine.dispatcher import Dispatcher, Seat


def seat(worker_id: str) -> Seat:
    return Seat(worker_id, "default", frozenset({"flow/step"}), lambda _: None, lambda _attempts, _reason: None)


def test_a_worker_that_retention_has_removed_keeps_no_seat() -> None:
    dispatcher = Dispatcher()
    dispatcher.seats = {name: seat(name) for name in ("removed", "not-asked-about")}
    dispatcher.clear_seats({"removed"}, {})
    assert list(dispatcher.seats) == ["not-asked-about"]
