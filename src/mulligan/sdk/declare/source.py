"""Where code is, and what it says: locations for people, and the digest that makes a fix a new version."""

from __future__ import annotations

import hashlib
import inspect
import linecache
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

from mulligan.errors import DeclarationError


@dataclass(frozen=True, slots=True)
class Where:
    """A line in a file. ``file`` is what the interpreter calls it; ``module`` says where it belongs on any machine."""

    file: str
    line: int
    module: str

    def __str__(self) -> str:
        """``app.py:41``, clickable in a terminal: relative when the file is below the working directory."""
        relative = os.path.relpath(self.file) if os.path.isabs(self.file) else self.file
        return f"{self.file if relative.startswith('..') else relative}:{self.line}"

    @property
    def portable(self) -> str:
        """The file as seen from its top-level package, so that two machines with one code call it the same."""
        return portable_path(self.file, self.module)


def portable_path(file: str, module: str) -> str:
    """``/srv/shop/jobs/mail.py`` of module ``jobs.mail`` is ``jobs/mail.py``; a script is its file name."""
    parts = file.replace(os.sep, "/").split("/")
    if module == "__main__":
        spec = getattr(sys.modules.get(module), "__spec__", None)
        module = spec.name if spec is not None else os.path.splitext(os.path.basename(file))[0]
    depth = module.count(".") + 1 + (parts[-1] == "__init__.py")
    return "/".join(parts[-depth:])


def where(fn: Callable[..., Any]) -> Where:
    """Where a function (or class) was written."""
    bare = inspect.unwrap(fn)
    code = getattr(bare, "__code__", None)
    if isinstance(code, CodeType):
        return Where(code.co_filename, code.co_firstlineno, bare.__module__)
    return Where(getattr(sys.modules.get(bare.__module__), "__file__", None) or "<unknown>", 0, bare.__module__)


def where_called() -> Where:
    """The line outside the SDK that is being carried out."""
    frame = calling_frame()
    return Where(frame.f_code.co_filename, frame.f_lineno, frame.f_globals.get("__name__", ""))


def calling_frame() -> FrameType:
    """The innermost frame that is not the SDK's own."""
    frame = sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).startswith("mulligan.sdk"):
        frame = frame.f_back
    return frame


def names_in_scope() -> Mapping[str, Any]:
    """The local names where a declaration is written, so that annotations may name classes of a function body."""
    return calling_frame().f_locals


def mistake(at: Where, what: str, fix: str) -> DeclarationError:
    """A DeclarationError in the one form that all of them have: where, what is wrong, what to do."""
    return DeclarationError(f"{at}: {what}. {fix}.")


def code_digest(functions: Iterable[Callable[..., Any]]) -> str:
    """Sixteen hex digits over the text of the modules that these functions were written in.

    Whole modules, since a fix is as often in the function that a step calls as in the step. The names of the modules
    do not count: a script run directly is the same code as when it is imported.
    """
    texts = {_module_text(inspect.unwrap(fn)) for fn in functions}
    digests = sorted(hashlib.sha256(text).hexdigest() for text in texts)
    return hashlib.sha256("".join(digests).encode()).hexdigest()[:16]


def _module_text(fn: Callable[..., Any]) -> bytes:
    code = getattr(fn, "__code__", None)
    file = code.co_filename if isinstance(code, CodeType) else ""
    # linecache also knows the cells of a notebook; it must not answer with what an edited file said before
    linecache.checkcache(file)
    lines = linecache.getlines(file)
    if lines:
        return "".join(lines).encode()
    return _compiled_text(code) if isinstance(code, CodeType) else repr(fn.__qualname__).encode()


def _compiled_text(code: CodeType) -> bytes:
    """For code without a source (``exec``, ``python -c``): what it was compiled to."""
    inner = b"".join(_compiled_text(const) for const in code.co_consts if isinstance(const, CodeType))
    consts = repr([const for const in code.co_consts if not isinstance(const, CodeType)])
    return code.co_code + repr(code.co_names).encode() + consts.encode() + inner
