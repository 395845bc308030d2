"""Frames carry messages both ways, and nothing that is not one."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulligan.core.limits import ERROR, MESSAGE
from mulligan.core.records import RecordedError, Retry, StepDefinition, WorkflowDefinition
from mulligan.errors import InvalidInput, TooLarge
from mulligan.server.session.declared import LONGEST_NAME, MOST_STEPS
from mulligan.wire.frames import MAX_FRAME, decode_from_sdk, decode_from_server, encode_frames
from mulligan.wire.messages import (
    PROTOCOL,
    Acknowledge,
    Assign,
    Credit,
    FromSdk,
    FromServer,
    Hello,
    Lease,
    Message,
    Report,
    RunEnded,
    Start,
    StartSpec,
)

LEASE = Lease(run_id="r" * 26, step="fetch", attempt=1, token="0123456789abcdef")


def test_messages_of_an_sdk_process_come_back_equal() -> None:
    step = StepDefinition(name="fetch", retry=Retry(retries=3), start_to_close=timedelta(seconds=30))
    definition = WorkflowDefinition(name="summarise", steps=(step,))
    said: list[FromSdk] = [
        Hello(PROTOCOL, "w1", "eu-1", "a1", 7, "0.1.0", 32, {"gpu": "no"}, [definition], [LEASE]),
        Credit(slots=32),
        Report(lease=LEASE, outcome="failed", error=RecordedError(type="ValueError", message="no")),
        Start(seq=1, runs=[StartSpec(run_id="r" * 26, workflow="summarise", input=b'{"id": 1152921504606846977}')]),
    ]
    (frame,) = encode_frames(said)
    assert decode_from_sdk(frame) == said


def test_messages_of_the_server_come_back_equal() -> None:
    said: list[FromServer] = [
        Acknowledge(leases=[LEASE], verdicts=["applied"]),
        RunEnded(run_id="r" * 26, status="succeeded", outputs={"fetch": b'"\\u0000"'}),
    ]
    (frame,) = encode_frames(said)
    assert decode_from_server(frame) == said


def test_more_than_a_frame_is_split_in_order() -> None:
    output = b'"' + b"a" * (MAX_FRAME // 4) + b'"'
    said: list[FromSdk] = [Report(lease=LEASE, outcome="succeeded", output=output, ran_ms=float(n)) for n in range(6)]
    frames = encode_frames(said)
    assert len(frames) > 1
    assert all(len(frame) <= MAX_FRAME for frame in frames)
    assert [message for frame in frames for message in decode_from_sdk(frame)] == said


def test_a_message_larger_than_a_frame_is_named() -> None:
    with pytest.raises(TooLarge, match="Report"):
        encode_frames([Report(lease=LEASE, outcome="succeeded", output=b"a" * MAX_FRAME)])
    with pytest.raises(TooLarge):
        decode_from_sdk(b"a" * (MAX_FRAME + 1))


def test_the_largest_that_the_limits_allow_fits_a_frame() -> None:
    name = "\N{SMILING FACE WITH SUNGLASSES}" * LONGEST_NAME
    lease = Lease(run_id="r" * 26, step=name, attempt=1, token="t" * 64)
    error = RecordedError(type="Large", message="x" * ERROR)
    names = [f"{number:04}{name[4:]}" for number in range(MOST_STEPS)]
    outputs = dict.fromkeys(names, b"x" * (MESSAGE // MOST_STEPS))
    called = Assign(lease, name, "v" * 64, b"x" * MESSAGE, overrides={}, key="k" * 26, metadata={})
    for message in (called, RunEnded("r" * 26, "failed", outputs, name, error)):
        assert len(encode_frames([message])) == 1


@given(st.binary(max_size=200))
def test_random_bytes_are_messages_or_refused(frame: bytes) -> None:
    messages: list[FromSdk] = []
    with contextlib.suppress(InvalidInput):
        messages = decode_from_sdk(frame)
    assert all(isinstance(message, Message) for message in messages)


@pytest.mark.parametrize(
    "bomb", [b"\x91" * 100_000, b"\xdd\xff\xff\xff\xff", b"\x91\x93\xa5Start\x01\xdd\x7f\xff\xff\xff"]
)
def test_a_bomb_is_refused_as_a_bad_frame(bomb: bytes) -> None:
    with pytest.raises(InvalidInput):
        decode_from_sdk(bomb)
