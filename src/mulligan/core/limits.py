"""How large things may be, in bytes: the same on a server and in an embedded engine."""

from __future__ import annotations

from typing import Final

MIB: Final = 1024 * 1024

PAYLOAD: Final = 4 * MIB
"""One payload: a run's input, the result of a step, the value of a playground variable."""

MESSAGE: Final = 12 * MIB
"""Payloads that go together: all that a step is called with. The results of a run go in several messages."""

ERROR: Final = 2 * MIB
"""An error with its frames and causes, as a worker reports it."""

FRAME: Final = 16 * MIB
"""What a session sends at once: the payloads of a message and an error, with room for the names around them."""
