"""``m.runs.replay_all``: many runs replayed with the same changes, carefully, and the handle to that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypedDict

from msgspec import Raw

from mulligan.core.document import set_in_any
from mulligan.sdk.client.calls import check_names, overrides_of
from mulligan.sdk.client.replays import Steps, edits_by_step, step_names
from mulligan.sdk.declare.codec import encode_any
from mulligan.wire.rest.bulks import Bulk, BulkPreview, BulkProgress, BulkReplay, BulkSelection, ControlRequest
from mulligan.wire.rest.codec import write
from mulligan.wire.rest.replays import ReplayRequest
from mulligan.wire.rest.steps import EditOperation

if TYPE_CHECKING:
    from mulligan.sdk.client.client import Client

LOOK_EVERY: Final = timedelta(milliseconds=500)


class BulkOptions(TypedDict, total=False):
    """What changes in every one of the runs, and with how much care."""

    from_step: Steps
    """The step, or list of steps, to run again. Default: the failed steps of each run."""
    from_beginning: bool
    input: Mapping[Any, Any]
    """Edits of the start step's arguments: ``{"doc": {"lang": "fr"}}`` sets that one member in every run's own
    document. With several start steps, by step: ``{summary: {"doc": …}}``."""
    run_input: Mapping[str, Any]
    """Edits of the runs' inputs, likewise."""
    playground: Mapping[Any, Any]
    code: str | int
    fresh_key: bool
    canary: Sequence[float]
    """Stop and look after so many (1, 10) or such a part (0.1) of them."""
    rate: float
    """Replays per second at most."""
    stop_after: int
    """Stop once so many have failed."""
    stop_on_new: bool
    """Stop at a failure of a kind that none of the runs had failed with."""
    idempotency_key: str


class ManyReplays:
    """A bulk replay, as it was last seen. It goes on by itself; nobody has to wait for it."""

    def __init__(self, client: Client, seen: Bulk) -> None:
        self._client = client
        self._seen = seen

    def __repr__(self) -> str:
        return f"<bulk replay {self.id} {self.state}>"

    @property
    def id(self) -> str:
        return self._seen.id

    @property
    def state(self) -> Literal["running", "paused", "stopped", "aborted", "finished"]:
        """``stopped``: by its own brake, which ``summary.state_reason`` tells; it can be resumed."""
        return self._seen.state

    @property
    def summary(self) -> Bulk:
        return self._seen

    async def progress(self) -> BulkProgress:
        """Look again: how many wait, run, succeeded, failed."""
        return (await self._look()).progress

    async def wait(self) -> Self:
        """Return once it runs no longer: finished, stopped, paused or aborted."""
        while (await self._look()).state == "running":
            await self._client.app.clock.sleep(LOOK_EVERY)
        return self

    async def pause(self, reason: str = "") -> Self:
        """Begin no more replays; those that run go on."""
        return await self._control("pause", reason)

    async def resume(self, reason: str = "") -> Self:
        """Go on; the failures so far are forgiven."""
        return await self._control("resume", reason)

    async def abort(self, reason: str = "") -> Self:
        """Begin no more replays, for good."""
        return await self._control("abort", reason)

    async def _look(self) -> Bulk:
        self._seen = await self._client.ask(Bulk, "GET", f"/replays/{self.id}")
        return self._seen

    async def _control(self, control: str, reason: str) -> Self:
        body = write(ControlRequest(reason=reason))
        self._seen = await self._client.ask(Bulk, "POST", f"/replays/{self.id}/{control}", body=body)
        return self


async def preview(client: Client, query: str, reason: str, options: BulkOptions) -> BulkPreview:
    body = write(BulkSelection(q=query, request=_request(reason, options)))
    return await client.ask(BulkPreview, "POST", "/replays/preview", body=body)


async def create(client: Client, query: str, reason: str, options: BulkOptions) -> ManyReplays:
    body = BulkReplay(
        q=query,
        request=_request(reason, options),
        canary=[float(part) for part in options.get("canary", ())],
        rate=options.get("rate"),
        stop_after=options.get("stop_after"),
        stop_on_new=options.get("stop_on_new", False),
    )
    key = options.get("idempotency_key")
    made = await client.ask(Bulk, "POST", "/replays", body=write(body), idempotency_key=key)
    return ManyReplays(client, made)


def _request(reason: str, options: BulkOptions) -> ReplayRequest:
    """Each run has documents of its own, so that edits become patches of single members."""
    check_names(options, BulkOptions, "A replay of many runs")
    start_steps = step_names(options.get("from_step", ()))
    overrides = overrides_of(options.get("playground", {}))
    return ReplayRequest(
        start_steps=start_steps,
        from_beginning=options.get("from_beginning", False),
        patches={step: _patch(edit) for step, edit in edits_by_step(options.get("input", {}), start_steps).items()},
        input_patch=_patch(options.get("run_input", {})),
        playground={
            step: {name: Raw(text.encode()) for name, text in some.items()} for step, some in overrides.items()
        },
        code=options.get("code", "latest"),
        reason=reason,
        fresh_key=options.get("fresh_key", False),
    )


def _patch(edits: Mapping[str, Any]) -> list[EditOperation]:
    return [
        EditOperation(op=operation.op, path=operation.path, value=Raw((operation.value or "null").encode()))
        for pointer, value in _members(edits, "")
        for operation in set_in_any(pointer, encode_any(value, "the edit").decode())
    ]


def _members(edits: Mapping[str, Any], pointer: str) -> Iterator[tuple[str, Any]]:
    """The single members that are set, by JSON Pointer."""
    for name, value in edits.items():
        place = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
        if isinstance(value, Mapping) and value:
            yield from _members(value, place)
        else:
            yield place, value
