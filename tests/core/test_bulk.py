"""A bulk replay goes on by stages and at its rate, and stops by itself when too much goes wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulligan.core.bulk import FASTEST, SLOWEST, Bulk, BulkState, Progress, advance, stages_for

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def bulk(**given_fields: object) -> Bulk:
    fields: dict[str, object] = {
        "id": "b",
        "namespace": "default",
        "created_at": NOW,
        "author": "ada",
        "reason": "they are back",
        "query": "status:failed",
        "request": "{}",
        "matched": 100,
        "total": 100,
        "stages": (1, 10, 100),
    }
    return Bulk(**{**fields, **given_fields})  # type: ignore[arg-type]  # the fields of Bulk, as each test needs them


def progress(
    started: int, *, running: int = 0, failed: int = 0, total: int = 100, new: tuple[str, ...] = ()
) -> Progress:
    return Progress(total - started, started, 0, running, started - running - failed, failed, new)


@pytest.mark.parametrize(
    ("total", "canary", "stages"),
    [
        (200, (1, 0.1), (1, 20, 200)),
        (3, (1, 0.1), (1, 3)),
        (5, (), (5,)),
        (5, (10,), (5,)),
        (1000, (0.01, 0.5), (10, 500, 1000)),
        (100, (0.07, 0.29, 0.57), (7, 29, 57, 100)),
        (15, (0.1,), (1, 15)),
    ],
)
def test_a_canary_becomes_counts(total: int, canary: tuple[int | float, ...], stages: tuple[int, ...]) -> None:
    assert stages_for(total, canary) == stages


@given(total=st.integers(1, 10_000), canary=st.lists(st.integers(1, 100) | st.floats(0.01, 0.99), max_size=4))
def test_stages_ascend_and_end_with_everything(total: int, canary: list[int | float]) -> None:
    stages = stages_for(total, tuple(canary))
    assert stages[-1] == total
    assert list(stages) == sorted(set(stages))
    assert stages[0] >= 1


def test_the_first_stage_is_begun_and_then_awaited() -> None:
    assert advance(bulk(), progress(0), NOW).begin == 1
    waiting = advance(bulk(), progress(1, running=1), NOW)
    assert (waiting.begin, waiting.state) == (0, None)
    assert waiting.again_at is not None
    assert advance(bulk(), progress(1), NOW).begin == 9


def test_a_stage_that_is_under_way_goes_on() -> None:
    assert advance(bulk(), progress(4, running=2), NOW).begin == 6


def test_it_stops_after_as_many_failures_as_it_was_told() -> None:
    stopped = advance(bulk(stop_after=2), progress(10, failed=2), NOW)
    assert stopped.state is BulkState.STOPPED
    assert "2 replays failed" in stopped.reason
    assert advance(bulk(stop_after=2), progress(10, failed=1), NOW).state is None
    assert advance(bulk(stop_after=2, forgiven=2), progress(10, failed=3), NOW).state is None


def test_no_more_are_under_way_than_may_fail_until_many_have_succeeded() -> None:
    resumed = bulk(stop_after=2, forgiven=1)
    assert advance(resumed, progress(1, failed=1), NOW).begin == 2
    assert advance(resumed, progress(3, failed=1, running=2), NOW).begin == 0
    assert advance(resumed, progress(3, failed=2, running=1), NOW).begin == 0
    assert advance(bulk(stop_after=2), progress(10), NOW).begin == 2 + 10 // 2


def test_it_stops_when_one_fails_in_a_new_way() -> None:
    assert advance(bulk(stop_on_new=True), progress(10, failed=1, new=("abc",)), NOW).state is BulkState.STOPPED
    assert advance(bulk(), progress(11, failed=1, new=("abc",)), NOW).state is None
    forgiven = bulk(stop_on_new=True, forgiven_fingerprints=("abc",))
    assert advance(forgiven, progress(11, failed=1, new=("abc",)), NOW).state is None


def test_a_stage_in_which_something_failed_holds_the_others_back() -> None:
    held = advance(bulk(), progress(10, failed=1), NOW)
    assert (held.state, held.reason) == (BulkState.STOPPED, "1 of the first 10 failed")
    assert advance(bulk(), progress(11, failed=1), NOW).begin == 50
    assert advance(bulk(forgiven=1), progress(10, failed=1), NOW).begin == 50


def test_a_limit_of_failures_allows_some_but_no_stage_of_nothing_else() -> None:
    assert advance(bulk(stop_after=5), progress(10, failed=4), NOW).state is None
    assert advance(bulk(stop_after=5), progress(1, failed=1), NOW).state is BulkState.STOPPED


def test_what_failed_at_the_very_end_holds_nothing_back() -> None:
    assert advance(bulk(stop_after=1), progress(100, failed=1), NOW).state is BulkState.FINISHED


def test_it_finishes_when_the_last_replay_has_ended() -> None:
    assert advance(bulk(), progress(100, running=1), NOW).state is None
    assert advance(bulk(), progress(100, failed=3), NOW).state is BulkState.FINISHED


@pytest.mark.parametrize("begun_at", [None, NOW])
@pytest.mark.parametrize("rate", [SLOWEST, FASTEST])
def test_every_rate_that_may_be_asked_for_has_a_next_moment(rate: float, begun_at: datetime | None) -> None:
    advice = advance(bulk(stages=(100,), rate=rate, begun_at=begun_at), progress(0), NOW)
    assert advice.again_at is not None
    assert NOW < advice.again_at < NOW + timedelta(hours=3)


@given(rate=st.floats(0.1, 100))
def test_the_rate_is_never_exceeded(rate: float) -> None:
    moment, begun_at, begun = NOW, None, 0
    until = NOW + timedelta(seconds=20)
    while moment < until and begun < 100:
        advice = advance(bulk(stages=(100,), rate=rate, begun_at=begun_at), progress(begun), moment)
        if advice.begin:
            begun += advice.begin
            begun_at = moment
        # spans are whole microseconds, so a rate is kept to a thousandth
        assert begun <= 1 + 1.001 * rate * (moment - NOW).total_seconds() + 1e-9
        assert advice.again_at is not None
        assert advice.again_at > moment
        moment = advice.again_at
    assert begun == 100 or begun >= 0.4 * rate * 20
