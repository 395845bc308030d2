"""Exceptions as data: what is recorded of a failed attempt, and what an on-failure step is told."""

from __future__ import annotations

import os
import site
import sysconfig
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from traceback import StackSummary, walk_stack, walk_tb
from types import FrameType, TracebackType

from mulligan.core.records import Frame, RecordedError
from mulligan.errors import DeclarationError, InvalidInput, TooLarge
from mulligan.sdk.declare.retry import NonRetryable, Retry

MAX_MESSAGE = 8_000
MAX_CODE = 300
MAX_FRAMES = 60
MAX_CAUSES = 8
MAX_MEMBERS = 20
MAX_MEMBERS_READ = 1_000
MAX_MEMBER = 500
"""Of an exception group: how many of its exceptions are told, of how many that are looked at, and how much of each."""

_OWN = os.path.join("mulligan", "sdk") + os.sep

_NEVER_RETRIED = (NonRetryable, InvalidInput, TooLarge, DeclarationError)
"""A second try meets the same data and the same code."""


@dataclass(frozen=True)
class Failure:
    """What an on-failure step is told: which step failed, and why. Annotate an argument with it.

    ``error`` is the message, ``type`` the exception's qualified class name, ``attempts`` how many tries it took.
    """

    run_id: str
    step: str
    type: str
    error: str
    attempts: int


def record(error: BaseException, retry: Retry | None = None) -> RecordedError:
    """``error`` with its causes and frames, bounded in size. ``retryable`` as ``retry`` and the exception say."""
    return _record(error, _is_retryable(error, retry), seen=set())


def _is_retryable(error: BaseException, retry: Retry | None) -> bool:
    if isinstance(error, _NEVER_RETRIED):
        return False
    return isinstance(error, Exception if retry is None else retry.on)


def _record(error: BaseException, retryable: bool, seen: set[int]) -> RecordedError:
    seen.add(id(error))
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    is_new = cause is not None and id(cause) not in seen and len(seen) < MAX_CAUSES
    return RecordedError(
        type=qualified_name(type(error)),
        message=_message(error),
        frames=tuple(frames(error.__traceback__)),
        cause=_record(cause, True, seen) if cause is not None and is_new else None,
        retryable=retryable,
    )


def qualified_name(kind: type) -> str:
    """``TimeoutError``, ``httpx.ConnectError``, ``jobs.mail.Bounced``; without the module where the script is it."""
    return (
        kind.__qualname__ if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}.{kind.__qualname__}"
    )


def _message(error: BaseException) -> str:
    text = _text(error)
    if isinstance(error, BaseExceptionGroup):
        # Those that say the same once: how many there were is data, and failures are grouped by their messages.
        members = list(dict.fromkeys(islice(_members(error), MAX_MEMBERS_READ)))
        if len(members) > MAX_MEMBERS:
            members[MAX_MEMBERS:] = ["  … and more"]
        text = "\n".join([text, *members])
    return _cut(text, MAX_MESSAGE)


def _members(group: BaseExceptionGroup[BaseException], indent: str = "  ") -> Iterator[str]:
    """One text for each exception in a group, also in groups within it."""
    for one in group.exceptions:
        yield textwrap.indent(f"{qualified_name(type(one))}: {_cut(_text(one), MAX_MEMBER)}", indent)
        if isinstance(one, BaseExceptionGroup):
            yield from _members(one, f"{indent}  ")


def _text(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception as broken:  # noqa: BLE001 - a broken __str__ must not hide the failure
        text = f"<its message cannot be shown: {type(broken).__name__}>"
    notes = getattr(error, "__notes__", ())
    return clean("\n".join([text, *(str(note) for note in notes)]))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"


def frames(traceback: TracebackType | None) -> Iterator[Frame]:
    """Of a traceback, outermost first, without the worker's own; the middle of a deep recursion is left out."""
    return _frames(StackSummary.extract(walk_tb(traceback), lookup_lines=False))


def stack_frames(frame: FrameType | None) -> Iterator[Frame]:
    """The same of a thread that is running."""
    found = StackSummary.extract(walk_stack(frame), lookup_lines=False) if frame is not None else StackSummary()
    found.reverse()
    # below the worker there is only how threads begin
    own = next((index for index, one in enumerate(found) if _OWN in one.filename), 0)
    del found[:own]
    return _frames(found)


def _frames(found: StackSummary) -> Iterator[Frame]:
    while found and _OWN in found[0].filename:
        del found[0]
    if len(found) > MAX_FRAMES:
        found[MAX_FRAMES // 2 : -MAX_FRAMES // 2] = []
    for frame in found:
        in_app = not _is_library(frame.filename)
        code = clean(frame.line or "")[:MAX_CODE]
        yield Frame(clean(_shown(frame.filename)), frame.lineno or 0, clean(frame.name), code, in_app)


def clean(text: str) -> str:
    """Half a surrogate pair (from a file name, say) is no text that could be sent."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


@lru_cache(maxsize=1024)
def _shown(file: str) -> str:
    """Relative to the working directory where that is shorter: the same on every machine that starts in its project."""
    if not os.path.isabs(file):
        return file
    relative = os.path.relpath(file)
    return file if relative.startswith("..") else relative


@lru_cache(maxsize=1024)
def _is_library(file: str) -> bool:
    """The standard library, installed packages, and Mulligan itself."""
    path = os.path.realpath(file)
    return file.startswith("<frozen") or any(path.startswith(folder + os.sep) for folder in _library_folders())


@lru_cache(maxsize=1)
def _library_folders() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    folders = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    folders += [*site.getsitepackages(), site.getusersitepackages()]
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return tuple({os.path.realpath(folder) for folder in [*folders, own]})
