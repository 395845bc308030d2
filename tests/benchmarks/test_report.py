"""Tables and plot say what was measured, and say so when something was not."""

import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest

from benchmarks import goals, report, results
from benchmarks.__main__ import command_of, read_arguments
from benchmarks.goals import Goal
from benchmarks.machine import stolen_percent
from benchmarks.plot import Bar, draw
from benchmarks.processes import ROOT

MACHINE = {
    "cpu": "a processor", "cores": 2, "memory_gib": 4, "python": "3.11", "system": "Linux", "fsync_ms": 0.2,
    "uuid4_us": 2,
}  # fmt: skip


def part(**more: Any) -> dict[str, Any]:
    return {"command": "make bench", "taken_at": "2026-01-01T00:00:00+00:00", "machine": MACHINE, **more}


def result(workload: str, rate: float, **more: Any) -> dict[str, Any]:
    return {"workload": workload, "count": 100, "rate": rate, "cpu_s": 0.5, **more}


def steady(*rates: float) -> list[dict[str, Any]]:
    return [result("W1 tasks/s", rate) for rate in rates]


@pytest.fixture
def measured() -> dict[str, Any]:
    lone = result("W2 latency", 0, p50_ms=1.0, p99_ms=7.0)
    growth = [
        {"finished_runs": 0, "rates": [100.0, 90.0, 110.0], "empty_rates": [100.0, 90.0, 110.0]},
        {"finished_runs": 1000, "rates": [80.0, 70.0, 30.0], "empty_rates": [100.0, 100.0, 40.0]},
    ]
    return {
        "mode a": part(results=[*steady(900, 1_100, 1_000), lone]),
        "peer x": part(name="Some peer", version="1.2", keeps="nothing", results=steady(50)),
        "growth a": part(steps=growth, bytes_per_run=700),
        "idle b": part(seconds=30, cpu_percent={"server": 0.5, "worker": 0.25}),
        "queued b": part(count=5, memory_mb={"server, all queued": 151.0, "worker, nothing to do": 59.0}),
    }


def test_rates_are_medians_with_their_spread(measured: dict[str, Any]) -> None:
    [ours, peer] = report.table(measured).splitlines()[2:]
    assert "| 1,000 (900-1,100) | 200 (200-200) | 1.0 / 7.0 ms |" in ours
    assert peer == "| Some peer (1.2) | nothing | 50 (50-50) | 200 (200-200) | - | - | - | - |"


def test_a_database_that_cannot_be_watched_leaves_no_figure_per_cpu_second(measured: dict[str, Any]) -> None:
    for row in measured["mode a"]["results"]:
        row["cpu_s"] = None
    assert report.cell(measured["mode a"], "tasks per CPU-second") == "-"
    assert report.cell(measured["mode a"], "W1 tasks/s") == "1,000 (900-1,100)"


def test_goals_say_whether_they_are_met(measured: dict[str, Any]) -> None:
    met = {goal.what: goal.met for goal in goals.goals(measured)}
    assert met["W1 tasks/s, mode a"] == "**no**"
    assert met["W1 tasks/s, mode c"] == "not measured"
    assert met["W2 p99, mode a"] == "**no**"
    assert met["rate with 1,000 finished runs, of the rate with none, mode a"] == "**no**"
    assert met["CPU of an idle server and worker, mode b"] == "yes"
    assert met["server with 5 queued runs, mode b"] == "**no**"
    assert met["a worker, mode b"] == "yes"


def test_a_goal_that_is_just_reached_is_met() -> None:
    assert Goal("a rate", 10, 10).met == "yes"
    assert Goal("a limit", 10, 10, most=True).met == "yes"


def test_growth_is_told_against_an_empty_database_that_was_measured_beside_it(measured: dict[str, Any]) -> None:
    line = report.growth_table(measured).splitlines()[-1]
    assert line == "| a | 1,000 | 70 (30-80) | 100 (40-100) | 75% | - | 700 |"


def test_time_that_went_to_other_machines_is_told(measured: dict[str, Any]) -> None:
    measured["mode a"]["stolen_percent"] = 12.4
    assert "| mode a (12 %), peer x, growth a," in report.source_table(measured)
    assert stolen_percent((1_000, 10), (2_000, 60)) == 5.0


def test_what_one_command_has_measured_on_one_machine_is_one_line(measured: dict[str, Any]) -> None:
    assert len(report.source_table(measured).splitlines()) == 2 + 1
    measured["mode b"] = {**part(results=[]), "command": "another"}
    lines = report.source_table(measured).splitlines()
    assert lines[2].startswith("| mode a, peer x, growth a, idle b, queued b | 2026-01-01 | `make bench` |")
    assert lines[3].startswith("| mode b | 2026-01-01 | `another` |")


def test_databases_say_themselves_how_safe_they_are(measured: dict[str, Any]) -> None:
    measured["mode c"] = part(results=[], postgresql={"server_version": "15", "fsync": "on"})
    assert "- PostgreSQL of mode c: server_version 15, fsync on." in report.page(measured)


def test_an_empty_book_gives_a_page_all_the_same() -> None:
    page = report.page({})
    assert "Nothing was measured yet." in page
    assert page.count("not measured") == len(goals.goals({}))


def test_the_plot_is_an_image_with_a_bar_for_each_engine(measured: dict[str, Any]) -> None:
    image = ElementTree.fromstring(report.picture(measured))
    bars = [shape.attrib for shape in image.iter("{http://www.w3.org/2000/svg}rect")]
    assert [bar["class"] for bar in bars] == ["ours", "other"] * 2
    assert float(bars[0]["width"]) == pytest.approx(20 * float(bars[1]["width"]), rel=0.01)


def test_names_in_the_plot_cannot_break_it() -> None:
    image = ElementTree.fromstring(draw([("a < b & c", [Bar("<&>", 0, 0, 0, ours=False)])]))
    assert "<&>" in [text.text for text in image.iter("{http://www.w3.org/2000/svg}text")]


def test_the_readme_changes_between_its_marks_only() -> None:
    text = "before <!-- benchmarks -->\nold\n<!-- /benchmarks --> after"
    assert report.put_between_marks(text, "new") == "before <!-- benchmarks -->\nnew\n<!-- /benchmarks --> after"
    with pytest.raises(ValueError, match="lost the marks"):
        report.put_between_marks("no marks", "new")


def test_the_pages_are_those_of_the_results() -> None:
    measured = results.read()
    again = "run: python -m benchmarks.report"
    assert (ROOT / "docs/benchmarks.md").read_text(encoding="utf-8") == report.page(measured), again
    assert (ROOT / "docs/benchmarks.svg").read_text(encoding="utf-8") == report.picture(measured), again
    assert report.table(measured) in (ROOT / "README.md").read_text(encoding="utf-8"), again


def test_a_password_does_not_get_into_the_results() -> None:
    told = command_of(["--modes", "c", "--database", "postgresql://me:secret@host/db"])
    assert told == "python -m benchmarks --modes c --database 'postgresql://…'"


def test_make_bench_measures_the_whole() -> None:
    assert command_of(["--whole"]) == "make bench"
    given = read_arguments(["--whole", "--growth", "5"])
    assert (given.modes, given.peers, given.idle, given.queued, given.growth) == ("a,b,c", "all", True, 100_000, 5)


def test_a_part_of_the_workloads_is_not_kept() -> None:
    assert read_arguments(["--only", "W1"]).dry
