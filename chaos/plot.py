"""What the workflows of the load do, as plain data: the auditor knows them from here and from nowhere else."""

from __future__ import annotations

from typing import NamedTuple


class Plot(NamedTuple):
    """``reads``: whose results each step is given, in this order. ``fails_in``: the step that fails every time, with an
    error of type ``error``, unless the run is a replay. ``flaky``: steps whose first attempt fails, and the type of the
    error. ``children``: how many runs its step starts and waits for. ``once``: a step that loses its worker is not
    tried again, and the run fails."""

    reads: dict[str, tuple[str, ...]]
    fails_in: str | None = None
    error: str | None = None
    flaky: dict[str, str] = {}
    children: int = 0
    once: bool = False


SLEEPS = {("diamond", "sleep_100ms")}
"""Steps that are no code: no worker writes a line about them, and their result is nothing."""

PLOTS = {
    "single": Plot({"single": ()}),
    "once": Plot({"once": ()}, once=True),
    "flaky": Plot({"flaky": ()}, flaky={"flaky": "ConnectionError"}),
    "diamond": Plot(
        {
            "begin": (),
            "left": ("begin",),
            "right": ("begin",),
            "sleep_100ms": (),
            "join": ("left", "right"),
            "end": ("join",),
        },
        flaky={"left": "ConnectionError"},
    ),
    "fan_out": Plot({"fan_out": ()}, children=6),
    "parent": Plot({"parent": ()}, children=2),
    "parent_in_thread": Plot({"parent_in_thread": ()}, children=1),
    "leaf": Plot({"leaf": ()}),
    "slow": Plot({"slow": ()}),
    "mending": Plot({"prepare": (), "check": ("prepare",), "publish": ("check",)}, "check", "ValueError"),
}

BROKEN, MENDED = "broken", "mended"
"""The input of ``mending``, and what its replay puts in the place of it, so that ``check`` fails no more."""
