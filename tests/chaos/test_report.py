"""What is told of an experiment: nothing that is not zero may be overlooked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from chaos import faults, report
from chaos.auditor import VERDICTS, Report
from chaos.experiments import EXPERIMENTS, Experiment, Outcome, begun_again_s
from chaos.rig import Kill


def outcome(**found: list[str]) -> Outcome:
    findings: dict[str, list[str]] = {verdict: [] for verdict in VERDICTS} | found
    experiment = Experiment("server", "kill -9 of the server", (faults.kill_server,), {})
    audited = Report(findings=findings, runs=1_200, executions=4_000, repeated=40, given_up=0)
    return Outcome(experiment, 90, 91, 0, audited, [0.5] * 98 + [3.0, 4.0])


def shown(outcomes: list[Outcome]) -> str:
    console = Console(width=150, record=True, file=None, quiet=False)
    with console.capture() as told:
        report.show(outcomes, console)
    return told.get()


def test_the_table_says_what_was_done_and_that_all_is_well() -> None:
    (row,) = [line for line in shown([outcome()]).splitlines() if "kill -9 of the server" in line]
    for figure in ("90", "91", "1,200", "all 0", "1.0%", "0.50 s"):
        assert figure in row


def test_a_finding_is_told_with_its_sentence_in_every_form() -> None:
    bad = outcome(lost_ack=["run r1 was acknowledged and is not there"])
    assert not bad.report.is_clean
    for text in (shown([bad]), report.in_a_line(bad), report.as_json([bad]), report.section([row_of(bad)])):
        assert "lost_ack" in text
    assert "run r1 was acknowledged" in shown([bad])
    assert json.loads(report.as_json([bad]))[0]["findings"]["lost_ack"] == ["run r1 was acknowledged and is not there"]


def row_of(one: Outcome) -> dict[str, Any]:
    return {"taken_on": "2026-11-22", **report.as_data(one)}


def test_the_page_gets_the_recorded_figures_between_its_marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "RESULTS", tmp_path / "results")
    page = tmp_path / "page.md"
    page.write_text(f"# Before\n\n{report.BEGIN}\nold\n{report.END}\n\nAfter\n")
    report.record(outcome())
    report.write_page(page)
    once = page.read_text()
    assert "| kill -9 of the server | SQLite | 90 | 91 | 0 | 1,200 | all 0 | 1.0% | 0 | 0.50 s |" in once
    assert "old" not in once
    assert once.startswith("# Before\n")
    assert once.endswith("After\n")
    report.write_page(page)
    assert page.read_text() == once


def test_a_page_without_marks_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Nothing to fill\n")
    with pytest.raises(ValueError, match="has no"):
        report.write_page(page)
    assert page.read_text() == "# Nothing to fill\n"


def test_recovery_of_a_killed_step_counts_until_its_next_attempt() -> None:
    def start(step: str, attempt: int, worker: str, at: int) -> dict[str, Any]:
        return {"what": "start", "run": "r", "step": step, "attempt": attempt, "worker": worker, "at": at}

    lines = [
        start("killed", 1, "w1", 1_000_000_000),
        start("done before", 1, "w1", 1_000_000_000),
        {**start("done before", 1, "w1", 1_500_000_000), "what": "finish"},
        start("of another", 1, "w2", 1_000_000_000),
        start("killed", 2, "w2", 9_000_000_000),
    ]
    assert begun_again_s([Kill("w1", 2_000_000_000)], lines) == [7.0]


def test_every_fault_is_part_of_some_experiment_and_every_experiment_of_every_size_has_cycles() -> None:
    named = {name for name, value in vars(faults).items() if callable(value) and value.__module__ == faults.__name__}
    used = {fault.__name__ for experiment in EXPERIMENTS for fault in experiment.faults}
    assert {name for name in named if not name.startswith("_")} - used == set()
    assert all(experiment.cycles["nightly"] and experiment.cycles["release"] for experiment in EXPERIMENTS)
    assert len({experiment.name for experiment in EXPERIMENTS}) == len(EXPERIMENTS)
