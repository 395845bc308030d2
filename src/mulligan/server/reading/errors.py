"""Recorded exceptions as shapes."""

from __future__ import annotations

from mulligan.core.records import RecordedError
from mulligan.wire.rest.steps import ErrorDetails, FrameLine


def error_details(error: RecordedError | None) -> ErrorDetails | None:
    if error is None:
        return None
    return ErrorDetails(
        type=error.type,
        message=error.message,
        retryable=error.retryable,
        frames=[
            FrameLine(file=frame.file, line=frame.line, function=frame.function, code=frame.code, in_app=frame.in_app)
            for frame in error.frames
        ],
        cause=error_details(error.cause),
    )
