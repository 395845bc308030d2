"""Where the examples find their data, and where they leave what they make."""

from __future__ import annotations

import os
from pathlib import Path

DATA = Path(__file__).parent / "data"


def made() -> Path:
    """The folder for everything that the examples write; ``EXAMPLES_HOME`` moves it."""
    folder = Path(os.environ.get("EXAMPLES_HOME", ".mulligan/examples"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
