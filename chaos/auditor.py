"""Compares what clients were told, what steps did and what the database says. Shares no code with the engine.

Pure: facts in, findings out. `tests/chaos/test_auditor.py` doctors the facts until each verdict has fired.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from chaos.books import ENDED, AttemptRow, Books, RunRow
from chaos.ledgers import Line
from chaos.plot import BROKEN, MENDED, PLOTS, SLEEPS

VERDICTS = {
    "lost_ack": "acknowledged, and not in the database, or not what was acknowledged",
    "phantom": "in the database, and nobody has asked for it, or not twice",
    "stuck": "never ended",
    "wrong_result": "a result or an end that no code of a step has given",
    "double_apply": "two results count for one step, or attempts are not numbered one by one",
    "fence_break": "a result counts that is not of the worker and the attempt that held the lease",
    "unexplained_dup": "executed again without a loss, a failure or a cancellation in between",
    "order_break": "begun before what it waits for, or given something else than the result that counts",
    "history_mutated": "something that had ended has changed",
    "crashed": "a process that nobody has killed ended, or did not leave in order",
}
MOST_LOSSES = 3
WORKER_LOST = "mulligan.WorkerLost"
NOTHING: Line = {"result": None}
Execution = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Evidence:
    """``effects``: how often each attempt has acted on the world. ``histories``: seals over the rows of ended runs, as
    sampled while all went on and as read in the end. ``crashed``, ``stuck``: what the driver has seen, in words."""

    books: Books
    clients: list[Line]
    workers: list[Line]
    effects: dict[Execution, int]
    histories: list[tuple[str, str, str]] = field(default_factory=list)
    crashed: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """``findings`` by verdict: sentences. ``repeated``: executions after a loss, which at-least-once allows."""

    findings: dict[str, list[str]]
    runs: int
    executions: int
    repeated: int
    given_up: int

    @property
    def is_clean(self) -> bool:
        return not any(self.findings.values())


def audit(evidence: Evidence) -> Report:
    facts = _Facts(evidence)
    findings: dict[str, list[str]] = {verdict: [] for verdict in VERDICTS}
    for verdict, sentence in _findings(facts):
        findings[verdict].append(sentence)
    return Report(
        findings=findings,
        runs=len(evidence.books.runs),
        executions=len(facts.starts),
        repeated=sum(attempt.outcome == "lost" for attempt in evidence.books.attempts),
        given_up=sum(facts.was_given_up(run) for run in evidence.books.runs),
    )


Findings = Iterator[tuple[str, str]]


def _findings(facts: _Facts) -> Findings:
    yield from _acknowledged(facts)
    yield from _asked_for(facts)
    yield from _ended(facts)
    yield from _applied(facts)
    yield from _executed(facts)
    yield from _in_order(facts)
    yield from _children(facts)
    for run, before, after in facts.evidence.histories:
        if before != after:
            yield "history_mutated", f"the rows of run {run} are not what they were when it had ended"
    yield from (("crashed", sentence) for sentence in facts.evidence.crashed)
    yield from (("stuck", sentence) for sentence in facts.evidence.stuck)


class _Facts:
    """The evidence, found by what is asked for."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.runs = evidence.books.runs
        self.told: dict[str, list[Line]] = defaultdict(list)
        for line in evidence.clients:
            self.told[line["what"]].append(line)
        self.asked = {line["key"]: line for line in self.told["ask"]}
        self.starts = [line for line in evidence.workers if line["what"] == "start"]
        self.begun = {(line["run"], line["step"]) for line in self.starts}
        self.finishes = {execution_of(line): line for line in evidence.workers if line["what"] == "finish"}
        self.attempts: dict[str, dict[str, list[AttemptRow]]] = defaultdict(lambda: defaultdict(list))
        for attempt in sorted(evidence.books.attempts, key=lambda each: each.number):
            self.attempts[attempt.run][attempt.step].append(attempt)
        self.children: dict[str, list[RunRow]] = defaultdict(list)
        for run in self.runs.values():
            if run.parent is not None:
                self.children[run.parent].append(run)

    def counting(self, run: str, step: str) -> AttemptRow | None:
        """The attempt whose result counts, be it the run's own or a kept one."""
        kept = self.evidence.books.kept.get((run, step))
        if kept is not None:
            return self.counting(*kept)
        return next((each for each in self.attempts[run][step] if each.outcome == "succeeded"), None)

    def was_given_up(self, run: str) -> bool:
        """A step that loses its worker again and again is not tried for ever: that is promised, too."""
        losses = [sum(each.outcome == "lost" for each in attempts) for attempts in self.attempts[run].values()]
        most = 0 if PLOTS[self.runs[run].workflow].once else MOST_LOSSES
        return max(losses, default=0) > most or any(self.was_given_up(child.id) for child in self.children[run])


def execution_of(line: Line) -> Execution:
    return line["run"], line["step"], line["attempt"]


# ── Clients against the database ─────────────────────────────────────────────────────────────────────────────────────


def _acknowledged(facts: _Facts) -> Findings:
    answers: dict[str, set[str]] = defaultdict(set)
    for line in facts.told["accepted"]:
        answers[line["key"]].add(line["run"])
        found = facts.runs.get(line["run"])
        if found is None:
            yield "lost_ack", f"run {line['run']} was acknowledged for key {line['key']} and is not there"
        elif found.key != line["key"] or found.source != line.get("source"):
            yield "lost_ack", f"run {found.id} is there, but not as the one asked for by {line['key']}"
    for key, runs in answers.items():
        if len(runs) > 1:
            yield "phantom", f"key {key} was answered with {len(runs)} runs: {', '.join(sorted(runs))}"
    for line in facts.told["cancelled"]:
        found = facts.runs.get(line["run"])
        if line["answer"] != "already_finished" and (found is None or found.status != "cancelled"):
            yield "lost_ack", f"the cancellation of run {line['run']} was acknowledged and did not last"
    for line in facts.told["ended"]:
        yield from _as_it_was_seen(facts, line)


def _as_it_was_seen(facts: _Facts, line: Line) -> Findings:
    """What a client has been told of an end is so for ever."""
    found = facts.runs.get(line["run"])
    if found is None or found.status != line["status"]:
        yield "history_mutated", f"run {line['run']} was seen as {line['status']} and is {found and found.status}"
        return
    for step, result in line["results"].items():
        counts = facts.counting(found.id, step)
        if counts is None or counts.result != result:
            yield (
                "history_mutated",
                f"a client saw another result of {step} of run {found.id} than the one that is kept",
            )


def _asked_for(facts: _Facts) -> Findings:
    keys = Counter(run.key for run in facts.runs.values() if run.key is not None)
    for key, times in keys.items():
        if times > 1:
            yield "phantom", f"{times} runs have the key {key}"
    cancellations = {line["run"] for line in facts.told["ask_cancel"]}
    for run in facts.runs.values():
        if run.parent is not None and (run.parent, run.parent_step) not in facts.begun:
            yield "phantom", f"run {run.id} is the child of a step that has never begun"
        if run.parent is None and run.key not in facts.asked:
            yield "phantom", f"nobody has asked for run {run.id} of {run.workflow}"
        if run.status == "cancelled" and run.id not in cancellations:
            yield "phantom", f"nobody has asked for the cancellation of run {run.id}"
        wanted = PLOTS[run.workflow].children
        without_trouble = all(child.status == "succeeded" for child in facts.children[run.id])
        if len(facts.children[run.id]) > wanted and without_trouble:
            yield "phantom", f"run {run.id} has {len(facts.children[run.id])} children in the place of {wanted}"


# ── The database by itself ───────────────────────────────────────────────────────────────────────────────────────────


def _ended(facts: _Facts) -> Findings:
    for run in facts.runs.values():
        plot = PLOTS[run.workflow]
        fails = plot.fails_in is not None and run.source is None
        if run.status not in ENDED:
            yield "stuck", f"run {run.id} of {run.workflow} is still {run.status}"
        elif run.status == "failed" and not facts.was_given_up(run.id):
            if not fails or (run.failed_step, run.error) != (plot.fails_in, plot.error):
                yield "wrong_result", f"run {run.id} of {run.workflow} failed in {run.failed_step} with {run.error}"
        elif run.status == "succeeded":
            missing = [step for step in plot.reads if facts.counting(run.id, step) is None]
            if missing or fails:
                yield "wrong_result", f"run {run.id} of {run.workflow} cannot have succeeded: no {missing}"
    for name, step, state in facts.evidence.books.open_steps:
        owner = facts.runs.get(name)
        if owner is None or owner.status in ENDED:
            yield "stuck", f"step {step} of run {name} is {state}, and the run is over"


def _applied(facts: _Facts) -> Findings:
    for run, steps in facts.attempts.items():
        for step, attempts in steps.items():
            what = f"step {step} of run {run}"
            if [each.number for each in attempts] != list(range(1, len(attempts) + 1)):
                yield "double_apply", f"the attempts of {what} are {[each.number for each in attempts]}"
            if sum(each.outcome == "succeeded" for each in attempts) > 1:
                yield "double_apply", f"two results count for {what}"
            for each in attempts[:-1]:
                if each.outcome == "succeeded":
                    yield (
                        "fence_break",
                        f"the result of attempt {each.number} of {what} counts, and it was not the last",
                    )
                elif each.outcome == "cancelled":
                    yield "unexplained_dup", f"{what} was tried again after its cancellation"
            for each in attempts:
                yield from _as_the_worker_said(facts, each)


def _as_the_worker_said(facts: _Facts, attempt: AttemptRow) -> Findings:
    what = f"attempt {attempt.number} of step {attempt.step} of run {attempt.run}"
    run = facts.runs.get(attempt.run)
    if attempt.outcome == "failed" and run is not None and not _may_fail(facts, run, attempt):
        yield "wrong_result", f"{what} failed with {attempt.error}, which its code never raises"
    if attempt.outcome != "succeeded" or (run is not None and (run.workflow, attempt.step) in SLEEPS):
        return
    execution = (attempt.run, attempt.step, attempt.number)
    finish = facts.finishes.get(execution)
    others = any(
        facts.finishes.get((attempt.run, attempt.step, each.number), NOTHING)["result"] == attempt.result
        for each in facts.attempts[attempt.run][attempt.step]
    )
    if finish is None or finish["result"] != attempt.result:
        verdict = "fence_break" if others else "wrong_result"
        yield verdict, f"the result of {what} is not the one that was returned by it"
    elif finish["worker"] != attempt.worker:
        yield "fence_break", f"{what} counts as done by {attempt.worker}, and {finish['worker']} has done it"
    elif not facts.evidence.effects.get(execution):
        yield "wrong_result", f"{what} counts, and has had no effect"


def _may_fail(facts: _Facts, run: RunRow, attempt: AttemptRow) -> bool:
    plot = PLOTS[run.workflow]
    if attempt.error == WORKER_LOST:
        return True
    if attempt.step in plot.flaky:
        return attempt.number == 1 and attempt.error == plot.flaky[attempt.step]
    if attempt.step == plot.fails_in:
        return run.source is None and attempt.error == plot.error
    # a child that was given up fails the step that waits for it
    return any(child.status == "failed" for child in facts.children[run.id])


# ── What steps did against the database ──────────────────────────────────────────────────────────────────────────────


def _executed(facts: _Facts) -> Findings:
    times = Counter(execution_of(line) for line in facts.starts)
    for execution, number in times.items():
        run, step, attempt = execution
        what = f"attempt {attempt} of step {step} of run {run}"
        if run not in facts.runs:
            yield "lost_ack", f"run {run} was executed, and is not there"
            continue
        if number > 1 or facts.evidence.effects.get(execution, 0) > 1:
            yield "unexplained_dup", f"{what} was executed {number} times"
        if attempt not in {each.number for each in facts.attempts[run][step]}:
            yield "unexplained_dup", f"{what} was executed, and the database knows nothing of it"
        if attempt > 1 and PLOTS[facts.runs[run].workflow].once:
            yield "unexplained_dup", f"{what} was executed, and it is to be executed at most once"
        if (run, step) in facts.evidence.books.kept:
            yield "unexplained_dup", f"step {step} of run {run} was executed, and its earlier result is kept"


def _in_order(facts: _Facts) -> Findings:
    for line in facts.starts:
        run = facts.runs.get(line["run"])
        if run is None:
            continue
        what = f"step {line['step']} of run {run.id}"
        parents = [facts.counting(run.id, parent) for parent in PLOTS[run.workflow].reads[line["step"]]]
        if line["saw"] != [parent and parent.result for parent in parents]:
            yield "order_break", f"{what} was given something else than the results that count"
        for parent in parents:
            ended = parent and facts.finishes.get((parent.run, parent.step, parent.number))
            if parent is not None and ended and ended["at"] > line["at"]:
                yield "order_break", f"{what} began before {parent.step} had ended"
        if line["mark"] and line["mark"] != (BROKEN if run.source is None else MENDED):
            yield "order_break", f"{what} was given the mark {line['mark']}"


def _children(facts: _Facts) -> Findings:
    for execution, line in facts.finishes.items():
        run, step, _ = execution
        ends = [facts.counting(child.id, child.workflow) for child in facts.children[run]]
        given: Counter[str | None] = Counter(line["children"])
        missing = given - Counter(each.result for each in ends if each is not None)
        if missing:
            yield "order_break", f"step {step} of run {run} was given results that none of its children has"
