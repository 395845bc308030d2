"""Starts that have not happened yet: pure builders of ``StartSpec``."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, TypedDict

import msgspec
import uuid_utils

from mulligan.core.limits import LARGEST_PRIORITY
from mulligan.core.naming import did_you_mean
from mulligan.core.records import EVERY_STEP, Overrides
from mulligan.errors import InvalidInput, TooLarge
from mulligan.sdk.context import Context
from mulligan.sdk.declare.codec import encode_any
from mulligan.sdk.declare.declaration import WorkflowDeclaration
from mulligan.sdk.durations import parse_duration
from mulligan.wire.ids import encode_id
from mulligan.wire.messages import StartSpec

MOST_CHARACTERS = 1024 * 1024


class StartOptions(TypedDict, total=False):
    """How a run is started."""

    metadata: Mapping[str, str]
    """For people and queries (``tag.team:web``); also in ``ctx.metadata``."""
    delay: str | timedelta
    """Start so much later."""
    priority: int
    """Higher runs first. Default: the workflow's."""
    idempotency_key: str
    """A repeated start with the same key and input finds the first run."""
    playground: Mapping[Any, Any]
    """Overrides of playground variables: ``{"model": "large"}`` for every step, ``{summary: {"model": "large"}}``."""
    version: str
    """The digest of the only version of the code that may run it. Default: any worker's that fits."""


class Call(msgspec.Struct, frozen=True):
    """One start to be made. ``is_child``: a step makes it, and finds it again by its place among that step's calls."""

    workflow: WorkflowDeclaration
    spec: StartSpec
    is_child: bool = False


def new_id() -> str:
    return encode_id(uuid_utils.uuid7().bytes)


def make_call(workflow: WorkflowDeclaration, run_input: bytes, options: StartOptions, parent: Context | None) -> Call:
    """Raises ``InvalidInput`` for values of no use, ``ValueError`` for a delay that is no duration, ``TypeError`` for
    options that there are not."""
    spec = StartSpec(new_id(), workflow.name, run_input) if not options else _spec(workflow, run_input, options)
    return Call(workflow, spec) if parent is None else _as_child(workflow, spec, parent)


def _spec(workflow: WorkflowDeclaration, run_input: bytes, options: StartOptions) -> StartSpec:
    _check_options(workflow, options)
    spec = StartSpec(
        run_id=new_id(),
        workflow=workflow.name,
        input=run_input,
        version=options.get("version"),
        metadata=dict(options.get("metadata", {})),
        priority=options.get("priority"),
        delay_ms=round(parse_duration(options.get("delay", timedelta())) / timedelta(milliseconds=1)),
        idempotency_key=options.get("idempotency_key"),
        overrides=overrides_of(options.get("playground", {})),
    )
    _check_size(spec)
    return spec


def _check_options(workflow: WorkflowDeclaration, options: StartOptions) -> None:
    check_names(options, StartOptions, f"A start of {workflow.name!r}")
    metadata: Any = options.get("metadata", {})
    if not isinstance(metadata, Mapping) or not all(
        isinstance(text, str) for pair in metadata.items() for text in pair
    ):
        raise InvalidInput(f"metadata= takes strings by name, such as {{'team': 'web'}}, and not {metadata!r}.")
    priority = options.get("priority")
    if priority is not None and (type(priority) is not int or abs(priority) > LARGEST_PRIORITY):
        raise InvalidInput(
            f"priority= takes a whole number of -{LARGEST_PRIORITY:,} to {LARGEST_PRIORITY:,}, and not {priority!r}."
        )
    for name in ("idempotency_key", "version"):
        value = options.get(name)
        if value is not None and not isinstance(value, str):
            raise InvalidInput(f"{name}= takes a string, and not {value!r}.")


def check_names(options: Mapping[str, Any], known: type, what: str) -> None:
    """A misspelt option that was passed over would change nothing without a word. Raises TypeError."""
    for option in options:
        if option not in known.__annotations__:
            near = did_you_mean(option, known.__annotations__)
            raise TypeError(f"{what} has no option {option!r}.{near} There are: {', '.join(known.__annotations__)}.")


def _check_size(spec: StartSpec) -> None:
    """Inputs are checked where they are written; this is for what goes beside them into one message."""
    metadata = sum(len(name) + len(value) for name, value in spec.metadata.items())
    overrides = sum(len(text) for values in spec.overrides.values() for text in values.values())
    if metadata + overrides > MOST_CHARACTERS:
        raise TooLarge(
            f"metadata= and playground= of a start have {metadata + overrides:,} characters; the limit is "
            f"{MOST_CHARACTERS:,}. Put data into the input."
        )


def _as_child(workflow: WorkflowDeclaration, spec: StartSpec, parent: Context) -> Call:
    """A child is found again when its parent's step is tried again: same place among the calls, same input.

    The input is part of the key, so that an attempt which asks for something else gets that, and no conflict. What the
    child hands to others to be known again by is the same in a replay of the parent, too: it is another run there.
    """
    index = parent.next_call(workflow.name)
    key = spec.idempotency_key
    place = f"{workflow.name}/{index}/{hashlib.sha256(spec.input).hexdigest()[:12]}"
    child = msgspec.structs.replace(
        spec,
        parent_id=parent.run_id,
        parent_step=parent.step,
        idempotency_key=f"child:{parent.run_id}/{parent.step}/{place}" if key is None else key,
        key_scope=hashlib.sha256(f"{parent.idempotency_key}/{place}".encode()).hexdigest()[:32],
    )
    return Call(workflow, child, is_child=spec.idempotency_key is None)


def tried_anew(call: Call, tries: int) -> Call:
    """The same start under another key, after the run that answered to the first one has failed."""
    spec = msgspec.structs.replace(call.spec, run_id=new_id(), idempotency_key=f"{call.spec.idempotency_key}/{tries}")
    return Call(call.workflow, spec, is_child=True)


def overrides_of(playground: Mapping[Any, Any]) -> Overrides:
    """``{"model": "large"}`` counts for every step, ``{"summary.model": "large"}`` for one, as on the command line; a
    step as the key holds its own variables."""
    overrides: Overrides = {}
    if not isinstance(playground, Mapping):
        raise InvalidInput(f"playground= takes values by name, such as {{'model': 'large'}}, and not {playground!r}.")
    for key, value in playground.items():
        step = getattr(key, "declaration", None)
        if step is None:
            of_step, dot, name = str(key).partition(".")
            overrides.setdefault(of_step if dot else EVERY_STEP, {})[name if dot else key] = _json(key, value)
        elif not isinstance(value, Mapping):
            raise InvalidInput(f"playground= takes a step's values by name: {{{step.name}: {{'model': 'large'}}}}.")
        else:
            own = {name: _json(name, inner) for name, inner in value.items()}
            overrides[step.name] = {**overrides.get(step.name, {}), **own}
    return overrides


def _json(name: str, value: Any) -> str:
    return encode_any(value, f"The override of playground variable {name!r}").decode()
