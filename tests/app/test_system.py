"""The system clock never goes back, whatever happens to the wall clock, and ids sort by time."""

from __future__ import annotations

import asyncio
import base64
import uuid
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from mulligan.app.system import SystemChance, SystemClock
from mulligan.wire.ids import encode_id


class Machine:
    """A wall clock that can be set, and a monotonic one that cannot."""

    def __init__(self) -> None:
        self.wall = 1_000_000.0
        self.monotonic = 50.0

    def pass_time(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds

    def clock(self) -> SystemClock:
        return SystemClock(lambda: self.wall, lambda: self.monotonic)


def test_now_is_the_wall_clock_in_utc() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.pass_time(1.5)
    assert clock.now() == datetime.fromtimestamp(1_000_001.5, UTC)


def test_now_follows_the_wall_clock_forward_at_once() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wall += 3600
    assert clock.now() == datetime.fromtimestamp(1_003_600, UTC)


def test_when_the_wall_clock_is_set_back_now_goes_on_at_half_speed_until_it_is_caught_up() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wall -= 10
    machine.pass_time(4)
    assert clock.now() == datetime.fromtimestamp(1_000_002, UTC)
    machine.pass_time(16)
    assert clock.now() == datetime.fromtimestamp(1_000_010, UTC)
    machine.pass_time(5)
    assert clock.now() == datetime.fromtimestamp(1_000_015, UTC)


def test_a_clock_that_follows_another_does_not_look_at_the_wall_clock_any_more() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.pass_time(1)
    clock.correct(timedelta(seconds=-30))
    assert clock.now() == datetime.fromtimestamp(999_971, UTC), "before anything was begun it may be set back"
    machine.wall += 3600
    machine.pass_time(4)
    assert clock.now() == datetime.fromtimestamp(999_975, UTC)
    clock.correct(timedelta(seconds=10))
    assert clock.now() == datetime.fromtimestamp(999_985, UTC)
    clock.correct(timedelta(seconds=-2))
    machine.pass_time(2)
    assert clock.now() == datetime.fromtimestamp(999_986, UTC), "later it never goes back, but more slowly"
    machine.pass_time(4)
    assert clock.now() == datetime.fromtimestamp(999_989, UTC)


@given(st.lists(st.tuples(st.floats(-5000, 5000), st.floats(0, 100))))
def test_now_never_goes_back(jumps: list[tuple[float, float]]) -> None:
    machine = Machine()
    clock = machine.clock()
    last = clock.now()
    for jump, passed in jumps:
        machine.wall += jump
        machine.pass_time(passed)
        now = clock.now()
        assert now >= last
        last = now


async def test_sleep_returns_once_the_span_has_passed() -> None:
    clock = SystemClock()
    before = clock.now()
    await clock.sleep(timedelta(milliseconds=20))
    assert clock.now() - before >= timedelta(milliseconds=20)


async def test_sleeping_for_no_time_lets_others_run() -> None:
    ran = asyncio.Event()
    asyncio.get_running_loop().call_soon(ran.set)
    await SystemClock().sleep(timedelta())
    assert ran.is_set()


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_an_id_is_base32hex_and_sorts_like_its_bytes(one: bytes, other: bytes) -> None:
    assert encode_id(one) == base64.b32hexencode(one).decode().rstrip("=").lower()
    assert (encode_id(one) < encode_id(other)) == (one < other)


def test_new_ids_are_uuid_version_7_and_ascend() -> None:
    chance = SystemChance()
    ids = [chance.new_id() for _ in range(2000)]
    assert ids == sorted(set(ids))
    assert uuid.UUID(bytes=base64.b32hexdecode(ids[0].upper() + "======")).version == 7


def test_lease_tokens_are_64_bits_as_hex() -> None:
    tokens = {SystemChance().new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(len(bytes.fromhex(token)) == 8 for token in tokens)
