"""Building replay requests: partial edits merged into the recorded documents, which the server then compares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict
from urllib.parse import quote

import msgspec
from msgspec import UNSET, Raw

from mulligan.core.document import Node, parse, render
from mulligan.errors import InvalidInput, NotFound
from mulligan.sdk.client.calls import check_names, overrides_of
from mulligan.sdk.declare.codec import encode_any
from mulligan.wire.rest.replays import ReplayCommand

if TYPE_CHECKING:
    from mulligan.sdk.client.client import Client

Steps = Any
"""A step, its name, or several of either."""


class ReplayOptions(TypedDict, total=False):
    """What a replay changes. Nothing given: the failed steps run again, unchanged, on the latest code."""

    from_step: Steps
    """The step, or list of steps, to run again with everything after it. Default: every failed step."""
    from_beginning: bool
    input: Mapping[Any, Any]
    """Edits of the start step's arguments, merged into the recorded ones: ``{"doc": {"lang": "fr"}}``.
    With several start steps, by step: ``{summary: {"doc": …}}``. A list or a number is replaced as a whole."""
    run_input: Any
    """Edits of the run's input, merged likewise; a model or dataclass replaces it as a whole."""
    playground: Mapping[Any, Any]
    """Overrides: ``{"temperature": 0.0}`` for every step that reads it, or ``{summary: {"temperature": 0}}``."""
    code: str | int
    """``latest`` (default), ``same`` as the source run's, or a version's number or digest."""
    reason: str
    """Why, for the audit and for whoever compares the runs."""
    fresh_key: bool
    """Give the new run its own idempotency keys: a payment *would* be made again."""
    token: str
    """Of a plan that was looked at: refused if anything has changed since."""
    idempotency_key: str
    """The same replay asked for again finds the first one."""


async def build_request(client: Client, run_id: str, options: ReplayOptions) -> ReplayCommand:
    """Raises ``InvalidInput`` for edits that no step is named for, ``NotFound`` for an unknown run, TypeError for
    options that there are not."""
    check_names(options, ReplayOptions, "A replay")
    start_steps = step_names(options.get("from_step", ()))
    inputs = {
        step: Raw(await _merged(client, f"/runs/{run_id}/steps/{quote(step, safe='')}/input", edit))
        for step, edit in edits_by_step(options.get("input", {}), start_steps).items()
    }
    run_input: Raw | msgspec.UnsetType = UNSET
    if "run_input" in options:
        run_input = Raw(await _merged(client, f"/runs/{run_id}/input", options["run_input"]))
    overrides = overrides_of(options.get("playground", {}))
    return ReplayCommand(
        start_steps=start_steps,
        from_beginning=options.get("from_beginning", False),
        inputs=inputs,
        input=run_input,
        playground={
            step: {name: Raw(text.encode()) for name, text in values.items()} for step, values in overrides.items()
        },
        code=options.get("code", "latest"),
        reason=options.get("reason", ""),
        fresh_key=options.get("fresh_key", False),
        token=options.get("token"),
    )


def step_names(steps: Steps) -> list[str]:
    several: Sequence[Any] = [steps] if isinstance(steps, str) or hasattr(steps, "declaration") else steps
    return [step if isinstance(step, str) else step.name for step in several]


def edits_by_step(edits: Mapping[Any, Any], start_steps: list[str]) -> dict[str, Any]:
    """By step name. Without a step in the keys, they are the arguments of the only start step; with several start steps
    their names are keys, too."""
    if not edits:
        return {}
    if all(hasattr(key, "declaration") for key in edits):
        return {key.name: edit for key, edit in edits.items()}
    if len(start_steps) > 1 and set(start_steps).issuperset(edits):
        return dict(edits)
    if len(start_steps) != 1:
        raise InvalidInput(
            "input=… changes the arguments of one step: name it with from_step=summary, or key the edits by "
            "step: input={summary: {…}}."
        )
    return {start_steps[0]: edits}


async def _merged(client: Client, path: str, edit: Any) -> bytes:
    """The recorded document with an edit merged into it. Untouched parts keep their text."""
    try:
        recorded: Node = parse(await client.ask_text("GET", path))
    except NotFound as error:
        if error.code not in ("input_unknown", "no_output"):
            raise
        recorded = {}
    return render(_merge(recorded, edit))


def _merge(recorded: Node, edit: Any) -> Node:
    if isinstance(edit, Mapping) and isinstance(recorded, dict):
        return {**recorded, **{str(name): _merge(recorded.get(str(name)), value) for name, value in edit.items()}}
    return parse(encode_any(edit, "the edit"))
