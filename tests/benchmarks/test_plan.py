"""The calculation gives back what was put in, and the simulation agrees with it where both can be known."""

from typing import Any

import pytest

from benchmarks import plan, results
from benchmarks.plan import Costs, Database, cost, cost_table, costs_of, limit_table, limits
from benchmarks.replicas import Cost, World, simulate

NOTHING = Cost(0, 0)


def world(**given: Any) -> World:
    plain = {
        "engine": NOTHING, "database": NOTHING, "log": NOTHING, "replicas": 1, "cores": 1, "sync_s": 0.0,
        "log_bytes_per_s": 1e9, "trip_s": 0.0, "work_s": 0.001,
    }  # fmt: skip
    return World(**{**plain, **given})


def workload(tasks: float, commits: float, of: Cost) -> dict[str, float]:
    return {"tasks": tasks, "commits": commits, "cpu": tasks * of.task + commits * of.turn}


def test_what_belongs_to_a_task_is_told_from_what_belongs_to_a_transaction() -> None:
    true = Cost(task=100e-6, turn=2e-3)
    found = cost(workload(60_000, 300, true), workload(2_000, 4_000, true), "cpu")
    assert found.task == pytest.approx(true.task)
    assert found.turn == pytest.approx(true.turn)


def test_no_part_of_a_cost_is_less_than_nothing() -> None:
    loaded = {"tasks": 100.0, "commits": 10.0, "cpu": 50.0}
    assert cost(loaded, {"tasks": 100.0, "commits": 200.0, "cpu": 10.0}, "cpu").turn == 0


def test_workloads_of_one_shape_tell_nothing() -> None:
    alike = workload(100, 10, Cost(1, 1))
    with pytest.raises(ValueError, match="not such workloads"):
        cost(alike, alike, "cpu")


def test_limits_follow_from_the_costs() -> None:
    costs = Costs(
        engine=Cost(100e-6, 0), database=Cost(50e-6, 0), log=Cost(2_000, 0), statements=Cost(0, 6), rows=5,
        worker_s=0, bytes_per_run=1_000,
    )  # fmt: skip
    found = limits(costs, Database("one", cores=10, sync_s=0, log_bytes_per_s=1e9))
    assert found["cores"] == pytest.approx(10 * plan.USABLE / 50e-6)
    assert found["log"] == pytest.approx(1e9 * plan.USABLE / 2_000)
    turn_s = 256 * (100e-6 + 50e-6 + 2_000 / 1e9) + 8 * plan.TRIP_S
    assert found["one replica"] == pytest.approx(256 / turn_s)


def test_a_lone_replica_does_what_its_turns_allow() -> None:
    one = simulate(world(engine=Cost(1e-3, 0)), None, 10, window=2_000)
    assert one.rate == pytest.approx(1_000, rel=0.05)
    assert one.per_turn == pytest.approx(256)


def test_replicas_add_up_until_the_cores_are_full() -> None:
    costs: dict[str, Any] = {"engine": Cost(3e-3, 0), "database": Cost(1e-3, 0), "cores": 2}
    rates = [simulate(world(replicas=n, **costs), None, 200, window=1_000).rate for n in (1, 4, 32)]
    assert rates == [pytest.approx(250, rel=0.05), pytest.approx(1_000, rel=0.1), pytest.approx(2_000, rel=0.05)]


def test_a_slow_disk_costs_latency_and_no_throughput() -> None:
    """With replicas enough: they share its syncs."""
    costs: dict[str, Any] = {"engine": Cost(1e-4, 0), "replicas": 8, "cores": 8}
    quick, slow = (simulate(world(sync_s=sync_s, **costs), 1_000, 20) for sync_s in (0.0001, 0.01))
    assert quick.rate == pytest.approx(slow.rate, rel=0.05)
    assert slow.p50_ms > quick.p50_ms + 20
    assert slow.per_sync > 2


def test_the_bandwidth_of_the_log_is_a_limit_of_all_together() -> None:
    full = simulate(world(log=Cost(1_000, 0), log_bytes_per_s=1e6, replicas=4), None, 20, window=1_000)
    assert full.rate == pytest.approx(1_000, rel=0.05)
    assert full.log_mb_per_s == pytest.approx(1, rel=0.05)


def test_a_lone_task_takes_two_transactions_and_its_work() -> None:
    calm = simulate(world(engine=Cost(0, 0.002), sync_s=0.001, work_s=0.01), 1, 200)
    assert calm.p50_ms == pytest.approx(2 * (2 + 1) + 10, rel=0.01)


def test_equal_seeds_give_equal_worlds() -> None:
    busy = world(engine=Cost(1e-3, 1e-3), replicas=3)
    assert simulate(busy, 500, 5, seed=3) == simulate(busy, 500, 5, seed=3)
    assert simulate(busy, 500, 5, seed=3) != simulate(busy, 500, 5, seed=4)


def test_the_page_is_that_of_the_results() -> None:
    part = results.read()["costs"]
    page = plan.PAGE.read_text(encoding="utf-8")
    for table in (plan.source(part), cost_table(costs_of(part)), limit_table(costs_of(part))):
        assert table in page, "run: python -m benchmarks.plan --write"
