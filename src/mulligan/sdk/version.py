"""What this SDK calls itself."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from platform import python_version


@cache
def sdk_version() -> str:
    """``python 3.11.7 mulligan 0.1.0``"""
    try:
        own = version("mulligan")
    except PackageNotFoundError:
        own = "from source"
    return f"python {python_version()} mulligan {own}"
