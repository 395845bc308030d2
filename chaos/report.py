"""The auditor's table: for people, for machines, and for the page that says how we know."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from chaos.auditor import VERDICTS
from chaos.experiments import Outcome

RESULTS = Path(__file__).with_name("results")
BEGIN, END = "<!-- chaos: begin -->", "<!-- chaos: end -->"
NOTE = """\
Taken {days} with `python -m chaos`, {executions} executions of steps in all. *Verdicts* are the ten of
`chaos/auditor.py`; *repeated* is the share of executions whose worker was lost, which at-least-once allows; *given up*
are runs with a step that lost its worker four times, or that may run at most once. *Recovery* is the time from the
moment in which everything could work again (a process is started anew, continued, reachable, has space) until a step
began; where only workers are killed, the time from the kill until the step that was killed began again."""
MOST_FINDINGS = 5
"""Of one verdict, in the terminal; JSON has them all."""


HEADINGS = ("cycles", "kills", "stops", "runs", "verdicts", "repeated", "given up", "recovery p50", "p99")


def cells(row: dict[str, Any]) -> list[str]:
    """Of one experiment, below ``HEADINGS``."""
    return [
        *(f"{row[name]:,}" for name in ("cycles", "kills", "stops", "runs")),
        in_words(row["verdicts"]),
        f"{row['repeated_share']:.1%}",
        f"{row['given_up']:,}",
        _seconds(row["recovery_p50_s"]),
        _seconds(row["recovery_p99_s"]),
    ]


def show(outcomes: Sequence[Outcome], console: Console) -> None:
    table = Table("experiment", title="What was done, and what the auditor says")
    for heading in HEADINGS:
        table.add_column(heading, justify="left" if heading == "verdicts" else "right")
    for outcome in outcomes:
        row = as_data(outcome)
        table.add_row(row["title"], *cells(row), style="" if outcome.report.is_clean else "bold red")
    console.print(table)
    for outcome in outcomes:
        for verdict, sentences in outcome.report.findings.items():
            for sentence in sentences[:MOST_FINDINGS]:
                console.print(f"{outcome.experiment.name}: {verdict}: {sentence}", markup=False, soft_wrap=True)


def in_a_line(outcome: Outcome) -> str:
    """For who watches."""
    row = as_data(outcome)
    return f"{row['title']}: {row['runs']:,} runs, {row['kills']} kills, {in_words(row['verdicts'])}"


def in_words(verdicts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in verdicts.items() if count) or "all 0"


def as_json(outcomes: Sequence[Outcome]) -> str:
    return json.dumps([as_data(outcome) | {"findings": outcome.report.findings} for outcome in outcomes], indent=1)


def as_data(outcome: Outcome) -> dict[str, Any]:
    """One row of the table. ``repeated``: executions after a loss, which at-least-once allows."""
    found = outcome.report
    return {
        "experiment": outcome.experiment.name,
        "title": outcome.experiment.title,
        "database": "PostgreSQL" if outcome.experiment.postgresql else "SQLite",
        "cycles": outcome.cycles,
        "kills": outcome.kills,
        "stops": outcome.stops,
        "runs": found.runs,
        "executions": found.executions,
        "repeated": found.repeated,
        "repeated_share": found.repeated / max(1, found.executions),
        "given_up": found.given_up,
        "verdicts": {verdict: len(found.findings[verdict]) for verdict in VERDICTS},
        "recovery_p50_s": quantile(outcome.recoveries_s, 50),
        "recovery_p99_s": quantile(outcome.recoveries_s, 99),
        "disk": outcome.disk,
    }


def quantile(values: Sequence[float], percent: int) -> float | None:
    if len(values) < 2:
        return values[0] if values else None
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"


# ── The page ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def record(outcome: Outcome) -> None:
    """Keep the figures of an experiment, in the place of those of before."""
    RESULTS.mkdir(exist_ok=True)
    kept = {"taken_on": f"{datetime.now(UTC):%Y-%m-%d}", **as_data(outcome)}
    (RESULTS / f"{outcome.experiment.name}.json").write_text(json.dumps(kept, indent=1) + "\n")


def write_page(page: Path) -> None:
    """Put the recorded figures between the two marks of the page. Raises ValueError if it has none."""
    text = page.read_text()
    before, found, rest = text.partition(BEGIN)
    _, closed, after = rest.partition(END)
    if not found or not closed:
        raise ValueError(f"{page} has no {BEGIN} … {END}")
    rows = [json.loads(file.read_text()) for file in RESULTS.glob("*.json")]
    page.write_text(f"{before}{BEGIN}\n\n{section(rows)}\n{END}{after}")


def section(rows: list[dict[str, Any]]) -> str:
    """As Markdown."""
    rows = sorted(rows, key=lambda row: (row["database"] != "SQLite", row["title"]))
    lines = [_line(["experiment", "database", *HEADINGS]), "|---|---|--:|--:|--:|--:|---|--:|--:|--:|--:|"]
    lines += [_line([row["title"], row["database"], *cells(row)]) for row in rows]
    total = {name: sum(row[name] for row in rows) for name in ("cycles", "kills", "stops", "runs", "executions")}
    sums = [f"{total[name]:,}" for name in ("cycles", "kills", "stops", "runs")]
    lines.append(_line(["**together**", "", *sums, *[""] * (len(HEADINGS) - len(sums))]))
    days = sorted({row["taken_on"] for row in rows})
    disks = sorted({row["disk"] for row in rows if row["disk"]})
    lines += ["", NOTE.format(days=" and ".join(days), executions=f"{total['executions']:,}")]
    if disks:
        lines += ["", f"Full disk: {'; '.join(disks)}."]
    return "\n".join(lines) + "\n"


def _line(texts: Sequence[str]) -> str:
    return f"| {' | '.join(texts)} |"
