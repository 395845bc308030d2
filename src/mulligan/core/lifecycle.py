"""The transition table: what may happen to an open step, and what follows from it.

``decide`` asks ``step_after`` for every move, so that a move which is not in the table cannot happen.
"""

from __future__ import annotations

from enum import StrEnum

from mulligan.core.records import OpenState, Outcome, RunStatus


class Move(StrEnum):
    """What can happen to an open step."""

    CLAIMED = "claimed"
    SUCCEEDED = "succeeded"
    FAILED_FOR_GOOD = "failed_for_good"
    WILL_RETRY = "will_retry"
    LOST = "lost"
    RELEASED = "released"
    DUE = "due"
    WOKE = "woke"
    CANCELLED = "cancelled"


CLOSED = None
"""The step has left the hot table: its last attempt tells how it ended."""

STEP_TABLE: dict[tuple[OpenState, Move], OpenState | None] = {
    (OpenState.READY, Move.CLAIMED): OpenState.LEASED,
    (OpenState.READY, Move.FAILED_FOR_GOOD): CLOSED,
    (OpenState.READY, Move.CANCELLED): CLOSED,
    (OpenState.LEASED, Move.SUCCEEDED): CLOSED,
    (OpenState.LEASED, Move.FAILED_FOR_GOOD): CLOSED,
    (OpenState.LEASED, Move.WILL_RETRY): OpenState.RETRYING,
    (OpenState.LEASED, Move.LOST): OpenState.READY,
    (OpenState.LEASED, Move.RELEASED): OpenState.READY,
    (OpenState.LEASED, Move.CANCELLED): CLOSED,
    (OpenState.RETRYING, Move.DUE): OpenState.READY,
    (OpenState.RETRYING, Move.CANCELLED): CLOSED,
    (OpenState.SLEEPING, Move.DUE): OpenState.READY,
    (OpenState.SLEEPING, Move.WOKE): CLOSED,
    (OpenState.SLEEPING, Move.CANCELLED): CLOSED,
}
"""DUE from SLEEPING is the start of a delayed run's step; WOKE is the end of a sleep node."""

OUTCOMES_THAT_FAIL = frozenset({Outcome.FAILED, Outcome.TIMED_OUT, Outcome.LOST})


def step_after(state: OpenState, move: Move) -> OpenState | None:
    """The state that ``move`` leads to; ``CLOSED`` when the step leaves the hot table.

    Raises KeyError for a move that cannot happen: a bug of the engine, never of a caller.
    """
    return STEP_TABLE[state, move]


def is_terminal(status: RunStatus) -> bool:
    return status is not RunStatus.RUNNING
