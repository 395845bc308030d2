"""Failure groups as shapes, and what the runs of one have in common."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from mulligan.core.inbox import FailureGroup, has_recurred, status_of
from mulligan.core.records import Run
from mulligan.wire.rest.inbox import CommonValue, Difference, Group, GroupNote, GroupVersion
from mulligan.wire.rest.runs import Bar

MOST_FACTS = 6
MOST_VALUES = 5
DEEPEST = 3
LONGEST_VALUE = 80


def group_shape(
    group: FailureGroup, numbers: Mapping[tuple[str, str], int], activity: list[Bar], now: datetime
) -> Group:
    """``numbers``: (workflow, digest) -> version number."""
    note = group.note
    return Group(
        fingerprint=group.fingerprint,
        workflow=group.workflow,
        step=group.step,
        error_type=group.error_type,
        error_message=group.error_message,
        count=group.count,
        first_at=group.first_at,
        last_at=group.last_at,
        versions=[GroupVersion(number=numbers.get((group.workflow, d)), digest=d) for d in group.versions],
        status=status_of(group, now).value,
        recurred=has_recurred(group),
        note=None
        if note is None
        else GroupNote(
            status=note.status.value,
            at=note.at,
            actor=note.actor,
            note=note.note,
            until_at=note.until_at,
            until_more=note.until_more,
            until_version=note.until_version,
        ),
        samples=list(group.samples),
        replayed=group.replayed,
        recovered=group.recovered,
        activity=activity,
    )


# ── What the runs of a group have in common ──────────────────────────────────────────────────────────────────────────


def facts_about(run: Run, version: int, run_input: bytes | None, worker: str | None) -> dict[str, str]:
    """Everything about one run that might explain its failure, as ``what -> value``."""
    facts = {"version": str(version)}
    if worker is not None:
        facts["worker"] = worker
    facts |= {f"tag.{name}": value for name, value in run.metadata.items()}
    if run_input is not None:
        facts |= dict(_fields(json.loads(run_input, parse_int=str, parse_float=str), "input", DEEPEST))
    return {what: value[:LONGEST_VALUE] for what, value in facts.items()}


def _fields(node: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict) and depth:
        for name, value in node.items():
            yield from _fields(value, f"{path}.{name}", depth - 1)
    elif isinstance(node, str):
        yield path, node
    elif node is None or isinstance(node, bool):
        yield path, json.dumps(node)


def differences(runs: Sequence[Mapping[str, str]]) -> list[Difference]:
    """The most telling facts: those that are the same in most runs, or come in few values. Ids tell nothing."""
    counted: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for facts in runs:
        for what, value in facts.items():
            counted[what][value] += 1
    telling = [(what, values) for what, values in counted.items() if _tells(values, len(runs))]
    telling.sort(key=lambda one: (-_share(one[1], len(runs)), one[0]))
    return [
        Difference(
            what=what, values=[CommonValue(value=value, count=n) for value, n in values.most_common(MOST_VALUES)]
        )
        for what, values in telling[:MOST_FACTS]
    ]


def _share(values: Counter[str], runs: int) -> float:
    return max(values.values()) / runs


def _tells(values: Counter[str], runs: int) -> bool:
    """One run has everything in common with itself; of several, at least two must agree, and that not by chance."""
    return runs > 1 and max(values.values()) > 1 and (_share(values, runs) >= 0.5 or len(values) <= MOST_VALUES)
