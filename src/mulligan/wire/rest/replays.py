"""Replays: asking, planning, making; and the comparison of two runs."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET

from mulligan.core.records import Effect
from mulligan.wire.rest.codec import Answer, JsonText, Name, Overrides, Question, StepState, Unset, Words
from mulligan.wire.rest.runs import RunSummary
from mulligan.wire.rest.steps import EditOperation, ErrorDetails, KeptFrom


class ReplayRequest(Question, frozen=True, kw_only=True):
    """Which steps to run again and what to change. Nothing given: the failed steps, unchanged, on the latest code.

    ``inputs``: whole edited documents by step; ``patches``: JSON Patches by step. ``code``: latest, same, or a
    version's number or digest.
    """

    start_steps: list[Name] = []
    from_beginning: bool = False
    inputs: dict[Name, JsonText] = {}
    patches: dict[Name, list[EditOperation]] = {}
    input: JsonText | Unset = UNSET
    input_patch: list[EditOperation] = []
    playground: Overrides = {}
    reset_playground: dict[Name, list[Name]] = {}
    reset_edits: list[Name] = []
    code: Name | int = "latest"
    reason: Words = ""
    fresh_key: bool = False


class ReplayCommand(ReplayRequest, frozen=True, kw_only=True):
    """``token``: of the plan that was shown. If anything has changed since, the replay is refused."""

    token: Name | None = None


class PlannedCode(Answer, frozen=True, kw_only=True):
    choice: str
    number: int
    digest: str
    source_number: int
    source_digest: str
    changed: bool


class PlannedStep(Answer, frozen=True, kw_only=True):
    name: str
    action: Literal["keep", "run", "not_reached"]
    why: str
    effect: Effect
    ran_before: bool
    stale: bool
    edited: bool
    kept_from: KeptFrom | None
    overrides: list[str]


class StaleStep(Answer, frozen=True, kw_only=True):
    step: str
    why: str


class EditShown(Answer, frozen=True, kw_only=True):
    """``step``: its name, or ``input`` for the run input. ``before`` and ``after`` are absent where nothing is."""

    step: str
    op: str
    path: str
    before: JsonText | Unset = UNSET
    after: JsonText | Unset = UNSET


class OverrideShown(Answer, frozen=True, kw_only=True):
    """``before``: the value that the source run's step read."""

    step: str
    name: str
    before: JsonText | Unset = UNSET
    after: JsonText | Unset = UNSET


class ReplayPlan(Answer, frozen=True, kw_only=True):
    """What a replay would do; nothing has been created. ``suggested_start_steps``: with these, nothing is stale."""

    source_id: str
    workflow: str
    code: PlannedCode
    start_steps: list[str]
    steps: list[PlannedStep]
    stale: list[StaleStep]
    suggested_start_steps: list[str]
    edits: list[EditShown]
    overrides: list[OverrideShown]
    warnings: list[str]
    summary: str
    token: str


class Replayed(Answer, frozen=True, kw_only=True):
    """``existing``: the idempotency key had already made this run."""

    id: str
    source_id: str
    existing: bool
    plan: ReplayPlan


class CodeRef(Answer, frozen=True, kw_only=True):
    number: int
    digest: str
    label: str


class ComparedCode(Answer, frozen=True, kw_only=True):
    a: CodeRef
    b: CodeRef


class ComparedSide(Answer, frozen=True, kw_only=True):
    status: StepState
    attempts: int
    duration_ms: float | None
    output: JsonText | Unset = UNSET
    error: ErrorDetails | None


class ComparedStep(Answer, frozen=True, kw_only=True):
    """``why`` the two differ: the nearest cause that explains it."""

    name: str
    a: ComparedSide | None
    b: ComparedSide | None
    same_output: bool | None
    why: Literal["edit", "variable", "code", "upstream", "kept", "none"] | None


class Comparison(Answer, frozen=True, kw_only=True):
    """Two runs side by side. ``edits`` and ``overrides`` are those that lead from ``a`` to ``b``."""

    a: RunSummary
    b: RunSummary
    code: ComparedCode
    edits: list[EditShown]
    overrides: list[OverrideShown]
    steps: list[ComparedStep]
