"""A step that cannot be given to a worker fails by itself, where people see it, and holds up no other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from mulligan.core.commands import CancelRun
from mulligan.core.facts import Changes, Claim, Produced
from mulligan.core.inputs import build_input
from mulligan.core.limits import MESSAGE, PAYLOAD
from mulligan.core.records import Argument, OpenStep, OutputRef, PatchOp, RunStatus, StepDefinition, WorkflowDefinition
from mulligan.core.replay import ReplayRequest
from mulligan.engine.payloads import Payloads
from mulligan.errors import StoreConflict
from mulligan.testing.clock import settle

if TYPE_CHECKING:
    from mulligan.engine.feed import RunEnd
    from tests.engine.conftest import Desk, FakeWorker, Function

PARTS = ("a", "b", "c", "d")
WIDE = WorkflowDefinition(
    name="wide",
    steps=(
        *(StepDefinition(name=part, arguments=(Argument("n", "input"),)) for part in PARTS),
        StepDefinition(
            name="join", arguments=tuple(Argument(part, f"step:{part}") for part in PARTS), parents=PARTS
        ),
    ),
)  # fmt: skip
PAIR = WorkflowDefinition(
    name="pair",
    steps=(
        StepDefinition(name="make", arguments=(Argument("n", "input"),)),
        StepDefinition(name="use", arguments=(Argument("made", "step:make"),), parents=("make",)),
    ),
)
LARGE = b'"' + b"x" * (PAYLOAD - 2) + b'"'


def pick(size: dict[str, bytes]) -> dict[str, Function]:
    """Steps that give something large for the run input 1, and something small for others."""
    return {part: lambda document: size.get(document[5:-1].decode(), b"0") for part in PARTS}


def nothing_at_hand(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """All payloads have to be read."""
    monkeypatch.setattr(desk.engine.payloads, "known", lambda key: None)


def credits_of(worker: FakeWorker) -> int:
    assert worker.seat is not None
    return worker.seat.credits


def held_back(monkeypatch: pytest.MonkeyPatch) -> tuple[asyncio.Event, asyncio.Event]:
    """Payloads are read from now on only when the second event is set; the first one says that some are asked for."""
    real, asked, answering = Payloads.fetch, asyncio.Event(), asyncio.Event()

    async def fetch(self: Payloads, *wanted: Iterable[Any]) -> Produced:
        asked.set()
        await answering.wait()
        return await real(self, *wanted)

    monkeypatch.setattr(Payloads, "fetch", fetch)
    return asked, answering


async def failed(desk: Desk, run_id: str, step: str, kind: str) -> str:
    """It failed in this way at once, without a retry, and left nothing open. Returns what is said about it."""
    end: RunEnd = await desk.end(run_id)
    assert (end.run.status, end.run.failed_step, end.run.error_type) == (RunStatus.FAILED, step, kind)
    document = await desk.document(run_id)
    assert document.open == ()
    assert [one.number for one in document.ended if one.step == step] == [1]
    assert end.error is not None
    return end.error.message


@pytest.mark.parametrize("read", [False, True])
async def test_a_step_that_would_be_called_with_too_much_fails_in_words(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, read: bool
) -> None:
    worker = await desk.worker(WIDE, {**pick({"1": LARGE}), "join": lambda document: b"%d" % len(document)})
    if read:
        nothing_at_hand(desk, monkeypatch)
    too_much, fine = await desk.start("wide", b"1"), await desk.start("wide", b"2")
    message = await failed(desk, too_much, "join", "mulligan.InputTooLarge")
    assert f"limit is {MESSAGE:,}" in message
    assert f"'a' has {PAYLOAD:,}" in message
    assert "Store large data elsewhere" in message
    assert (await desk.end(fine)).run.status is RunStatus.SUCCEEDED
    assert credits_of(worker) == worker.slots


async def test_overrides_and_metadata_count_with_the_input(desk: Desk) -> None:
    await desk.worker(PAIR, {"make": lambda _: b"1", "use": lambda _: b"1"})
    overrides = {"use": {str(number): LARGE.decode() for number in range(3)}}
    await failed(desk, await desk.start("pair", overrides=overrides), "use", "mulligan.InputTooLarge")
    metadata = {str(number): LARGE.decode() for number in range(3)}
    await failed(desk, await desk.start("pair", metadata=metadata), "make", "mulligan.InputTooLarge")


@pytest.mark.parametrize("read", [False, True])
@pytest.mark.parametrize(
    "edit", [PatchOp("replace", "/made/nowhere", "1"), PatchOp("copy", "/more", from_="/made/list/-")]
)
async def test_an_edit_that_does_not_fit_gives_its_credit_back_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, read: bool, edit: PatchOp
) -> None:
    worker = await desk.worker(PAIR, {"make": lambda _: b'{"list":[1]}'})
    source = await desk.start("pair")
    await failed(desk, source, "use", "KeyError")
    if read:
        nothing_at_hand(desk, monkeypatch)
    request = ReplayRequest(start_steps=("make", "use"), reason="try", patches={"use": (edit,)})
    monkeypatch.setattr("mulligan.engine.replays.check_inputs", lambda *_: None)  # the parent gave something else then
    monkeypatch.setattr("mulligan.engine.replays.planned_edits", lambda *_: ())
    replayed = await desk.engine.replay("default", source, request, author="ada")
    await failed(desk, replayed.run_id, "use", "mulligan.EditDoesNotFit")
    assert credits_of(worker) == worker.slots


def broken_for(run_input: bytes, real: Callable[..., bytes]) -> Callable[..., bytes]:
    def build(step: StepDefinition, given: bytes, *more: object) -> bytes:
        assert given != run_input, "a defect of the engine"
        return real(step, given, *more)

    return build


@pytest.mark.parametrize("read", [False, True])
async def test_a_defect_in_one_assignment_is_the_failure_of_one_step(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, read: bool
) -> None:
    worker = await desk.worker(PAIR, {"make": lambda document: document, "use": lambda document: document})
    monkeypatch.setattr("mulligan.engine.publish.build_input", broken_for(b"2", build_input))
    if read:
        nothing_at_hand(desk, monkeypatch)
    first, broken, last = await asyncio.gather(*(desk.start("pair", b"%d" % number) for number in (1, 2, 3)))
    assert "a defect of the engine" in await failed(desk, broken, "make", "mulligan.NotAssigned")
    for run_id in (first, last):
        assert (await desk.end(run_id)).run.status is RunStatus.SUCCEEDED
    assert credits_of(worker) == worker.slots


async def test_payloads_that_cannot_be_read_for_one_step_are_read_for_the_others(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = await desk.worker(PAIR, {"make": lambda document: document, "use": lambda document: document})
    nothing_at_hand(desk, monkeypatch)
    real, broken = Payloads.fetch, "none"

    async def fetch(self: Payloads, inputs: Iterable[str], outputs: Iterable[OutputRef]) -> Produced:
        inputs = list(inputs)
        assert broken not in inputs, "a damaged row"
        return await real(self, inputs, outputs)

    monkeypatch.setattr(Payloads, "fetch", fetch)
    worker.holding = True
    ids = await asyncio.gather(*(desk.start("pair") for _ in range(5)))
    await settle()
    held, broken = list(worker.got), ids[2]
    worker.holding = False
    for one in held:
        worker.answer(one)
    for run_id in ids:
        if run_id == broken:
            await failed(desk, run_id, "use", "mulligan.NotAssigned")
        else:
            assert (await desk.end(run_id)).run.status is RunStatus.SUCCEEDED
    assert credits_of(worker) == worker.slots


async def test_a_newer_connection_gets_no_credit_for_what_was_claimed_for_an_older_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = await desk.worker(PAIR, {}, holding=True)
    nothing_at_hand(desk, monkeypatch)
    asked, answering = held_back(monkeypatch)
    run_id = await desk.start("pair")
    await asked.wait()
    await desk.engine.cancel(CancelRun(run_id=run_id, namespace="default", actor="ada"))
    await worker.connect()
    answering.set()
    await settle()
    assert worker.got == []
    assert credits_of(worker) == worker.slots


async def test_the_slot_of_a_step_that_is_cancelled_before_it_was_sent_is_used_at_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = await desk.worker(PAIR, {}, holding=True)
    assert worker.seat is not None
    worker.seat.credits = 1
    nothing_at_hand(desk, monkeypatch)
    asked, answering = held_back(monkeypatch)
    first, second = await desk.start("pair"), await desk.start("pair")
    await asked.wait()
    await desk.engine.cancel(CancelRun(run_id=first, namespace="default", actor="ada"))
    await settle()
    answering.set()
    await settle()
    assert [assignment.run.id for assignment in worker.got] == [second]


async def test_a_connection_that_takes_nothing_keeps_nobody_waiting(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = await desk.worker(PAIR, {}, name="broken")
    assert broken.seat is not None

    def deliver(_: object) -> None:
        raise RuntimeError("cannot take it")

    broken.seat.deliver = deliver
    assert "cannot take it" in await failed(desk, await desk.start("pair"), "make", "mulligan.NotAssigned")
    assert credits_of(broken) == broken.slots


async def test_what_goes_wrong_in_one_part_of_the_news_keeps_no_assignment_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.worker(PAIR, {"make": lambda document: document, "use": lambda document: document})

    def remember(*_: object) -> None:
        monkeypatch.undo()
        raise RuntimeError("a defect of the engine")

    monkeypatch.setattr(desk.engine.payloads, "remember", remember)
    assert (await desk.end(await desk.start("pair"))).run.status is RunStatus.SUCCEEDED


async def test_the_failure_of_an_assignment_is_written_whatever_comes_between(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = await desk.worker(WIDE, pick({"1": LARGE}))
    commit, conflicts = desk.store.commit, 0

    def conflicting(changes: Changes, claims: list[Claim], now: datetime, token: str) -> list[OpenStep]:
        nonlocal conflicts
        if conflicts < 3 and any(attempt.step == "join" for attempt, _ in changes.attempts_added):
            conflicts += 1
            raise StoreConflict("another engine was quicker")
        return commit(changes, claims, now, token)

    monkeypatch.setattr(desk.store, "commit", conflicting)
    run_id = await desk.start("wide", b"1")
    await desk.advance(2, beating=worker)
    assert conflicts == 3
    await failed(desk, run_id, "join", "mulligan.InputTooLarge")
