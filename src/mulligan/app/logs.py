"""How the processes of Mulligan write their logs: a line for people or an object for machines.

Only the commands that own their process call ``set_up_logs``; a program that embeds the engine keeps its own logging.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from datetime import UTC, datetime
from typing import Literal

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message", "taskName"}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_COLOURS = {logging.WARNING: "\x1b[33m", logging.ERROR: "\x1b[31m", logging.CRITICAL: "\x1b[31;1m"}
_DIM, _RESET = "\x1b[2m", "\x1b[0m"


class TextFormatter(logging.Formatter):
    """``12:34:56 INFO mulligan.engine: text key=value``. A value cannot forge a line or move the cursor."""

    def __init__(self, colours: bool) -> None:
        super().__init__()
        self._colours = colours

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        level = record.levelname
        if self._colours:
            at = f"{_DIM}{at}{_RESET}"
            level = f"{_COLOURS[record.levelno]}{level}{_RESET}" if record.levelno in _COLOURS else level
        values = "".join(f" {name}={_escaped(str(value))}" for name, value in _extra(record).items())
        text = f"{at} {level} {record.name}: {_escaped(record.getMessage())}{values}"
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return text


class JsonFormatter(logging.Formatter):
    """One JSON object a line; what was passed as ``extra`` is a member of it."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_extra(record),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


def set_up_logs(form: Literal["text", "json"], level: int = logging.INFO) -> None:
    """Write the logs of this process to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter(_wants_colours()))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)
    # Their news is ours to tell, in the words of this project.
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "watchfiles", "websockets", "httpx2"):
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    # It gives a traceback for every connection that a database which is away refuses; that it is away we say in a line.
    logging.getLogger("asyncpg.pool").setLevel(max(level, logging.ERROR))


def _wants_colours() -> bool:

    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")


def _extra(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


def _escaped(text: str) -> str:
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text).replace("\n", "\\n")
