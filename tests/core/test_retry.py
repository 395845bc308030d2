"""Backoff: exponential, capped, never early, and spread without chance."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulligan.core.records import Retry
from mulligan.core.retry import delay, may_retry

spans = st.timedeltas(timedelta(), timedelta(days=7))
retries = st.builds(
    Retry,
    retries=st.integers(0, 1_000),
    first=spans,
    factor=st.floats(1, 100),
    cap=spans,
    jitter=st.floats(0, 2),
)
failures = st.integers(1, 10_000)
names = st.text(min_size=1, max_size=20)


def base(retry: Retry, failed: int) -> timedelta:
    return delay(Retry(first=retry.first, factor=retry.factor, cap=retry.cap, jitter=0), failed, "run", "step")


@given(retries, failures, names, names)
def test_a_delay_is_never_early_and_never_later_than_its_jitter_allows(
    retry: Retry, failed: int, run_id: str, step: str
) -> None:
    waited = delay(retry, failed, run_id, step)
    assert base(retry, failed) <= waited <= base(retry, failed) * (1 + retry.jitter) + timedelta(microseconds=1)
    assert base(retry, failed) <= retry.cap


@given(retries, failures, names, names)
def test_a_delay_is_the_same_whenever_it_is_computed(retry: Retry, failed: int, run_id: str, step: str) -> None:
    assert delay(retry, failed, run_id, step) == delay(retry, failed, run_id, step)


@given(retries, failures)
def test_delays_without_jitter_never_shrink(retry: Retry, failed: int) -> None:
    assert base(retry, failed) <= base(retry, failed + 1)


def test_delays_double_up_to_the_cap() -> None:
    retry = Retry(first=timedelta(seconds=1), factor=2, cap=timedelta(seconds=10), jitter=0)
    assert [delay(retry, n, "run", "step").total_seconds() for n in range(1, 7)] == [1, 2, 4, 8, 10, 10]


def test_the_delay_of_a_failure_without_number_in_sight_is_the_cap() -> None:
    assert delay(Retry(jitter=0), 1_000_000, "run", "step") == Retry().cap
    assert delay(Retry(first=timedelta()), 1_000_000, "run", "step") == timedelta()


def test_runs_that_failed_together_come_back_spread_out() -> None:
    retry = Retry(first=timedelta(seconds=100), jitter=1.0)
    waited = [delay(retry, 1, f"run-{n}", "step").total_seconds() for n in range(1_000)]
    tenths = [sum(1 for seconds in waited if 100 + 10 * n <= seconds < 110 + 10 * n) for n in range(10)]
    assert sum(tenths) == 1_000
    assert all(60 < count < 140 for count in tenths)


def test_run_step_and_failure_each_change_the_jitter() -> None:
    retry = Retry(first=timedelta(seconds=100), factor=1, jitter=1.0)
    assert len({delay(retry, n, run, step) for n in (1, 2) for run in ("a", "b") for step in ("c", "d")}) == 8


@given(retries, failures)
def test_an_error_that_is_not_retryable_is_never_retried(retry: Retry, failed: int) -> None:
    assert not may_retry(retry, failed, error_retryable=False)


@given(st.integers(0, 100))
def test_a_step_gets_its_first_attempt_and_as_many_retries_as_declared(count: int) -> None:
    retry = Retry(retries=count)
    made = next(failed for failed in range(1, 200) if not may_retry(retry, failed, error_retryable=True))
    assert made == count + 1


@pytest.mark.parametrize("failed", [1, 2, 100])
def test_without_retries_the_first_failure_is_the_last(failed: int) -> None:
    assert not may_retry(Retry(), failed, error_retryable=True)
