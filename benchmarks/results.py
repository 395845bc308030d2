"""What was measured, kept as JSON: one file per day, one part per thing measured, each with its command and machine.

A part is written as soon as it is there, and replaces only its own predecessor: measuring one mode anew leaves the
others as they are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "results"

Part = dict[str, Any]
Measured = dict[str, Part]
"""Parts by name: `mode a`, `peer celery`, `idle b`, `queued b`, `growth a`, `costs`."""


@dataclass(frozen=True, slots=True)
class Book:
    """Where the parts of one command go. ``machine``: the facts that hold for all of them."""

    command: str
    machine: dict[str, Any]
    folder: Path = FOLDER

    def add(self, name: str, part: Part) -> Part:
        now = datetime.now(UTC)
        part = {"command": self.command, "taken_at": now.isoformat(timespec="seconds"), "machine": self.machine, **part}
        self.folder.mkdir(exist_ok=True)
        file = self.folder / f"{now:%Y-%m-%d}.json"
        day = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        file.write_text(json.dumps({**day, name: part}, indent=1) + "\n", encoding="utf-8")
        return part


def read(folder: Path = FOLDER) -> Measured:
    """The newest of each part."""
    measured: Measured = {}
    for file in sorted(folder.glob("*.json")):
        measured |= json.loads(file.read_text(encoding="utf-8"))
    return measured
