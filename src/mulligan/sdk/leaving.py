"""What a program still has to do when it ends: drain its worker, then stop its engine."""

from __future__ import annotations

import concurrent.futures.thread  # noqa: F401 (for the order, see below)
import logging
import os
import threading
from collections.abc import Callable

log = logging.getLogger("mulligan")

_duties: list[Callable[[], None]] = []


def before_exit(duty: Callable[[], None]) -> None:
    """Call ``duty`` when the program ends; what was asked for last comes first.

    ``atexit`` would be too late: before it, the interpreter makes every thread pool of the process refuse work, so that
    neither a step nor the store could finish what it is doing.
    """
    _duties.append(duty)


def no_longer_before_exit(duty: Callable[[], None]) -> None:
    """``duty`` has been done already, or is nobody's any more."""
    if duty in _duties:
        _duties.remove(duty)


def _leave() -> None:
    while _duties:
        duty = _duties.pop()
        try:
            duty()
        except Exception:
            log.exception("%s failed while the program was ending", getattr(duty, "__qualname__", duty))


# A forked child has none of the threads that these duties are about.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_duties.clear)

# Thread pools are imported for the order: they are shut by a callback of their module, and the last one registered
# comes first. The function is private, but pools are built on it, and there is no public one that is early enough.
threading._register_atexit(_leave)  # type: ignore[attr-defined]  # typeshed does not know it
