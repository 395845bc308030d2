"""An auditor that cannot fail is worth nothing: every verdict fires on ledgers that were doctored to deserve it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chaos.auditor import VERDICTS, Evidence, audit
from chaos.books import AttemptRow, Books, RunRow

Doctor = Callable[[Evidence], None]


class Story:
    """Writes all records as they are when everything goes well."""

    def __init__(self) -> None:
        self.evidence = Evidence(Books(), [], [], {})
        self._at = 0

    def asked(self, key: str, run: RunRow, **details: Any) -> None:
        self._tell("ask", key=key, workflow=run.workflow, **details)
        self.evidence.books.runs[run.id] = run
        self._tell("accepted", key=key, run=run.id, **details)

    def seen(self, run: str, **results: str) -> None:
        self._tell("ended", run=run, status=self.evidence.books.runs[run].status, results=results)

    def cancelled(self, run: str) -> None:
        self._tell("ask_cancel", run=run)
        self._tell("cancelled", run=run, answer="cancel_requested")

    def _tell(self, what: str, **details: Any) -> None:
        self._at += 1
        self.evidence.clients.append({"what": what, "at": self._at, **details})

    def done(
        self, run: str, step: str, number: int = 1, *saw: str, children: tuple[str, ...] = (), **more: str
    ) -> None:
        """An attempt that has succeeded; its result is named after it."""
        result = f"{step}-of-{run}"
        self.begun(run, step, number, *saw, **more)
        self._at += 1
        self.evidence.workers.append(
            {"what": "finish", "at": self._at, "run": run, "step": step, "attempt": number, "worker": "w",
             "result": result, "children": list(children)}
        )  # fmt: skip
        self.evidence.books.attempts.append(AttemptRow(run, step, number, "succeeded", result, worker="w"))

    def begun(self, run: str, step: str, number: int, *saw: str, mark: str = "") -> None:
        self._at += 1
        self.evidence.workers.append(
            {"what": "start", "at": self._at, "run": run, "step": step, "attempt": number, "worker": "w",
             "saw": list(saw), "mark": mark}
        )  # fmt: skip
        self.evidence.effects[run, step, number] = 1

    def not_done(self, run: str, step: str, number: int, outcome: str, error: str | None = None) -> None:
        self.begun(run, step, number, *self._seen_by(run, step), mark="broken" if step == "check" else "")
        self.evidence.books.attempts.append(AttemptRow(run, step, number, outcome, error=error, worker="w"))

    def _seen_by(self, run: str, step: str) -> list[str]:
        return [f"prepare-of-{run}"] if step == "check" else []


def good() -> Evidence:
    """A run of each kind that matters: lost and repeated, with children, cancelled, and mended by a replay."""
    story = Story()
    story.asked("k1", RunRow("one", "single", "succeeded", "k1"))
    story.not_done("one", "single", 1, "lost", "mulligan.WorkerLost")
    story.done("one", "single", 2)
    story.seen("one", single="single-of-one")
    story.asked("k2", RunRow("mum", "parent", "succeeded", "k2"))
    for child in ("kid1", "kid2"):
        story.evidence.books.runs[child] = RunRow(child, "leaf", "succeeded", f"child:{child}", None, "mum", "parent")
        story.done(child, "leaf")
    story.done("mum", "parent", 1, children=("leaf-of-kid1", "leaf-of-kid2"))
    story.asked("k3", RunRow("stop", "slow", "cancelled", "k3"))
    story.not_done("stop", "slow", 1, "cancelled")
    story.cancelled("stop")
    story.asked("k4", RunRow("bad", "mending", "failed", "k4", failed_step="check", error="ValueError"))
    story.done("bad", "prepare")
    story.not_done("bad", "check", 1, "failed", "ValueError")
    story.asked("k5", RunRow("mended", "mending", "succeeded", "k5", "bad"), source="bad")
    story.evidence.books.kept["mended", "prepare"] = ("bad", "prepare")
    story.done("mended", "check", 1, "prepare-of-bad", mark="mended")
    story.done("mended", "publish", 1, "check-of-mended")
    story.asked("k6", RunRow("gone", "single", "failed", "k6", failed_step="single", error="mulligan.WorkerLost"))
    for number in (1, 2, 3, 4):
        story.not_done("gone", "single", number, "lost", "mulligan.WorkerLost")
    story.asked("k7", RunRow("rather-not", "once", "failed", "k7", failed_step="once", error="mulligan.WorkerLost"))
    story.not_done("rather-not", "once", 1, "lost", "mulligan.WorkerLost")
    story.evidence.histories.append(("one", "seal", "seal"))
    return story.evidence


def test_what_went_well_is_clean() -> None:
    report = audit(good())
    assert {verdict: found for verdict, found in report.findings.items() if found} == {}
    assert (report.runs, report.repeated, report.given_up) == (9, 6, 2)


# ── Doctors ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def lose_run(evidence: Evidence) -> None:
    del evidence.books.runs["one"]


def lose_cancellation(evidence: Evidence) -> None:
    change_run(evidence, "stop", status="succeeded")


def answer_with_another_run(evidence: Evidence) -> None:
    change_run(evidence, "one", key="somebody-else")


def change_run(evidence: Evidence, run: str, **changes: Any) -> None:
    evidence.books.runs[run] = replace(evidence.books.runs[run], **changes)


def change_attempt(evidence: Evidence, run: str, step: str, **changes: Any) -> None:
    """The last one."""
    attempts = evidence.books.attempts
    index = max(index for index, each in enumerate(attempts) if (each.run, each.step) == (run, step))
    attempts[index] = replace(attempts[index], **changes)


def change_line(evidence: Evidence, what: str, run: str, **changes: Any) -> None:
    """The last one."""
    [*_, line] = [line for line in evidence.workers if (line["what"], line["run"]) == (what, run)]
    line.update(changes)


def invent_run(evidence: Evidence) -> None:
    evidence.books.runs["ghost"] = RunRow("ghost", "single", "cancelled", "nobody's key")


def start_twice(evidence: Evidence) -> None:
    evidence.books.runs["twin"] = RunRow("twin", "slow", "cancelled", "k3")
    evidence.clients.append({"what": "accepted", "at": 99, "key": "k3", "run": "twin"})


def start_child_too_often(evidence: Evidence) -> None:
    evidence.books.runs["kid3"] = RunRow("kid3", "leaf", "succeeded", "child:3", None, "mum", "parent")
    evidence.books.attempts.append(AttemptRow("kid3", "leaf", 1, "succeeded", "x", worker="w"))


def give_child_to_nobody(evidence: Evidence) -> None:
    change_run(evidence, "kid1", parent_step="never-begun")


def cancel_unasked(evidence: Evidence) -> None:
    evidence.clients[:] = [line for line in evidence.clients if line["what"] != "ask_cancel"]


def never_end(evidence: Evidence) -> None:
    change_run(evidence, "mum", status="running")


def leave_step_open(evidence: Evidence) -> None:
    evidence.books.open_steps.append(("one", "single", "leased"))


def driver_saw_nothing(evidence: Evidence) -> None:
    evidence.stuck.append("nothing began for a minute")


def fail_without_reason(evidence: Evidence) -> None:
    change_run(evidence, "mum", status="failed", failed_step="parent", error="mulligan.errors.Unavailable")


def fail_attempt_without_reason(evidence: Evidence) -> None:
    """Even if a retry has mended it: nobody's code raises that."""
    evidence.books.attempts[0] = replace(evidence.books.attempts[0], outcome="failed", error="Unavailable")


def succeed_where_code_fails(evidence: Evidence) -> None:
    change_run(evidence, "bad", status="succeeded", failed_step=None, error=None)


def succeed_without_result(evidence: Evidence) -> None:
    evidence.books.attempts[:] = [each for each in evidence.books.attempts if each.step != "publish"]


def change_result(evidence: Evidence) -> None:
    change_attempt(evidence, "mended", "publish", result="something else")


def count_without_effect(evidence: Evidence) -> None:
    del evidence.effects["mended", "publish", 1]


def apply_twice(evidence: Evidence) -> None:
    evidence.books.attempts[0] = replace(evidence.books.attempts[0], outcome="succeeded", result="single-of-one")


def skip_number(evidence: Evidence) -> None:
    change_attempt(evidence, "one", "single", number=3)


def count_zombie(evidence: Evidence) -> None:
    """The worker that was lost comes back, and its result counts in the place of its successor's."""
    evidence.books.attempts[0] = replace(evidence.books.attempts[0], outcome="succeeded", result="late")
    change_attempt(evidence, "one", "single", outcome="lost", result=None)


def count_for_another_worker(evidence: Evidence) -> None:
    change_attempt(evidence, "kid1", "leaf", worker="another")


def count_another_attempts_result(evidence: Evidence) -> None:
    line = next(line for line in evidence.workers if line["what"] == "finish" and line["run"] == "one")
    evidence.workers.append({**line, "attempt": 1, "result": "of the first"})
    change_attempt(evidence, "one", "single", result="of the first")


def execute_twice(evidence: Evidence) -> None:
    evidence.workers.append(next(line for line in evidence.workers if line["run"] == "kid1"))


def act_twice(evidence: Evidence) -> None:
    evidence.effects["kid1", "leaf", 1] = 2


def execute_unknown_attempt(evidence: Evidence) -> None:
    line = next(line for line in evidence.workers if line["run"] == "kid1")
    evidence.workers.append({**line, "attempt": 2})


def execute_kept_step(evidence: Evidence) -> None:
    line = next(line for line in evidence.workers if line["step"] == "prepare")
    evidence.workers.append({**line, "run": "mended"})


def execute_again_what_may_run_once(evidence: Evidence) -> None:
    line = next(line for line in evidence.workers if line["run"] == "rather-not")
    evidence.workers.append({**line, "attempt": 2})
    evidence.books.attempts.append(AttemptRow("rather-not", "once", 2, "lost", error="mulligan.WorkerLost"))


def try_again_after_cancellation(evidence: Evidence) -> None:
    evidence.books.attempts.append(AttemptRow("stop", "slow", 2, "lost", error="mulligan.WorkerLost", worker="w"))


def begin_too_early(evidence: Evidence) -> None:
    [line] = [line for line in evidence.workers if line["what"] == "finish" and line["step"] == "check"]
    line["at"] = 1_000


def give_other_result(evidence: Evidence) -> None:
    [line] = [line for line in evidence.workers if line["what"] == "start" and line["step"] == "publish"]
    line["saw"] = ["something else"]


def forget_edit(evidence: Evidence) -> None:
    [line] = [line for line in evidence.workers if line["what"] == "start" and line["mark"] == "mended"]
    line["mark"] = "broken"


def give_parent_other_result(evidence: Evidence) -> None:
    change_line(evidence, "finish", "mum", children=["leaf-of-kid1", "leaf-of-kid1"])


def rewrite_history(evidence: Evidence) -> None:
    evidence.histories.append(("bad", "seal", "another seal"))


def unsee_end(evidence: Evidence) -> None:
    evidence.clients.append({"what": "ended", "at": 99, "run": "bad", "status": "succeeded", "results": {}})


def unsee_result(evidence: Evidence) -> None:
    evidence.clients.append(
        {"what": "ended", "at": 99, "run": "one", "status": "succeeded", "results": {"single": "another"}}
    )


def end_by_itself(evidence: Evidence) -> None:
    evidence.crashed.append("server-0 ended by itself with code 1")


DOCTORS: list[tuple[str, Doctor]] = [
    ("lost_ack", lose_run),
    ("lost_ack", lose_cancellation),
    ("lost_ack", answer_with_another_run),
    ("phantom", invent_run),
    ("phantom", start_twice),
    ("phantom", start_child_too_often),
    ("phantom", give_child_to_nobody),
    ("phantom", cancel_unasked),
    ("stuck", never_end),
    ("stuck", leave_step_open),
    ("stuck", driver_saw_nothing),
    ("wrong_result", fail_without_reason),
    ("wrong_result", fail_attempt_without_reason),
    ("wrong_result", succeed_where_code_fails),
    ("wrong_result", succeed_without_result),
    ("wrong_result", change_result),
    ("wrong_result", count_without_effect),
    ("double_apply", apply_twice),
    ("double_apply", skip_number),
    ("fence_break", count_zombie),
    ("fence_break", count_for_another_worker),
    ("fence_break", count_another_attempts_result),
    ("unexplained_dup", execute_twice),
    ("unexplained_dup", act_twice),
    ("unexplained_dup", execute_unknown_attempt),
    ("unexplained_dup", execute_kept_step),
    ("unexplained_dup", execute_again_what_may_run_once),
    ("unexplained_dup", try_again_after_cancellation),
    ("order_break", begin_too_early),
    ("order_break", give_other_result),
    ("order_break", forget_edit),
    ("order_break", give_parent_other_result),
    ("history_mutated", rewrite_history),
    ("history_mutated", unsee_end),
    ("history_mutated", unsee_result),
    ("crashed", end_by_itself),
]


@pytest.mark.parametrize(("verdict", "doctor"), DOCTORS, ids=[doctor.__name__ for _, doctor in DOCTORS])
def test_a_doctored_ledger_is_found_out(verdict: str, doctor: Doctor) -> None:
    evidence = good()
    doctor(evidence)
    assert audit(evidence).findings[verdict], f"{doctor.__name__} went unnoticed"


def test_every_verdict_has_a_doctor() -> None:
    assert {verdict for verdict, _ in DOCTORS} == VERDICTS.keys()
