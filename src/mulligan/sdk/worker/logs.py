"""Log lines of step code: one handler on the root logger, which knows by the context whose line it is."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from mulligan.sdk.context import STEP_LOGGER, running_context

LONGEST_LINE = 64 * 1024
"""Bytes, the published limit; characters here, which may be fewer."""

_FORMATTER = logging.Formatter()


class CaptureHandler(logging.Handler):
    """Forwards what is logged inside of a step, from whatever logger, thread or task."""

    def emit(self, record: logging.LogRecord) -> None:
        context = running_context.get()
        if context is not None and not _is_our_own(record.name):
            try:
                context.write_line(record.levelno, record.name, _text(record))
            except Exception:  # noqa: BLE001 - as every handler does: a bad format string must not fail the step
                self.handleError(record)
        self._leave_to_last_resort(record)

    def _leave_to_last_resort(self, record: logging.LogRecord) -> None:
        """Python prints warnings when nobody has configured logging. This handler shall not have silenced that."""
        last = logging.lastResort
        if last is None or record.levelno < last.level:
            return
        logger: logging.Logger | None = logging.getLogger(record.name)
        while logger is not None:
            if any(handler is not self for handler in logger.handlers):
                return
            logger = logger.parent
        last.handle(record)


def _is_our_own(logger: str) -> bool:
    return logger.startswith("mulligan.") and not logger.startswith(STEP_LOGGER)


def _text(record: logging.LogRecord) -> str:
    text = record.getMessage()
    if record.exc_info and record.exc_info[0] is not None:
        text = f"{text}\n{_FORMATTER.formatException(record.exc_info)}"
    text = text[:LONGEST_LINE].encode("utf-8", "replace")[:LONGEST_LINE].decode("utf-8", "ignore")
    return text.replace("\x00", "�")


@contextmanager
def shown_on_stderr() -> Iterator[None]:
    """For a worker whose program has not configured logging: Mulligan's own lines and those of ``ctx.log``."""
    own = logging.getLogger("mulligan")
    if own.hasHandlers():
        yield
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s", "%H:%M:%S"))
    level = own.level
    own.addHandler(handler)
    own.setLevel(logging.INFO)
    try:
        yield
    finally:
        own.removeHandler(handler)
        own.setLevel(level)


_lock = threading.Lock()
_handler = CaptureHandler()
_users = 0
_is_level_ours = False


def start_capturing() -> None:
    """While any worker runs, and not longer. The root logger's level is the user's and stays as it is."""
    global _users, _is_level_ours  # noqa: PLW0603 - the loggers are one per process, and so is this
    with _lock:
        _users += 1
        if _users == 1:
            logging.getLogger().addHandler(_handler)
            steps = logging.getLogger(STEP_LOGGER)
            if steps.level == logging.NOTSET:
                # what a step says through ctx.log is meant to be seen, also where only warnings are configured
                steps.setLevel(logging.INFO)
                _is_level_ours = True


def stop_capturing() -> None:
    global _users, _is_level_ours  # noqa: PLW0603
    with _lock:
        _users -= 1
        if _users == 0:
            logging.getLogger().removeHandler(_handler)
            steps = logging.getLogger(STEP_LOGGER)
            if _is_level_ours and steps.level == logging.INFO:
                steps.setLevel(logging.NOTSET)
            _is_level_ours = False
