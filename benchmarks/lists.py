"""`python -m benchmarks.lists`: how long the dashboard waits for its lists and filters in a database that is full.

Fills a store with runs of a month, as an ordinary team has them, and asks the REST API without a network for what each
screen asks. CPU time is what decides: it does not depend on what else the machine is doing.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import httpx2

from mulligan.app.compose import admit_owner, make_store, running_engine, server_settings
from mulligan.app.settings import load_settings
from mulligan.app.system import SystemClock
from mulligan.core.records import Attempt, OpenState, Outcome, RecordedError, Run, RunStatus
from mulligan.ports.store import Store
from mulligan.server.app import create_app
from mulligan.testing.factories import changes, make_attempt, make_definition, make_open_step, make_run, make_version
from mulligan.wire.ids import encode_id

MONTH = timedelta(days=30)
BATCH = 1_000
WORKFLOWS = tuple(f"workflow-{number}" for number in range(10))
STEPS = ("fetch", "parse", "store")
KINDS = 40
"""Of failures."""
LIMIT_MS = 200.0


@dataclass(slots=True)
class Population:
    """Runs as they come: 7 % fail in one of many ways, some of these are replayed, one in a thousand is under way."""

    count: int
    newest_at: datetime
    chance: random.Random

    def runs(self) -> Iterator[Run]:
        failed: list[Run] = []
        for place in range(self.count):
            created_at = self.newest_at - MONTH * (1 - place / self.count)
            given = self._fate(created_at)
            if failed and self.chance.random() < 0.03:
                source = self.chance.choice(failed)
                given |= {"workflow": source.workflow, "source_id": source.id, "family_id": source.family_id}
                given |= {"generation": 1, "bulk_id": f"bulk-{place // 5_000}"}
            elif failed and self.chance.random() < 0.05:
                given |= {"parent_id": failed[-1].id, "parent_step": "parse"}
            run = make_run(
                **{
                    "id": self._id(created_at),
                    "workflow": self.chance.choice(WORKFLOWS),
                    "created_at": created_at,
                    "metadata": {"team": self.chance.choice(("web", "data", "billing"))},
                    **given,
                }
            )
            if run.status is RunStatus.FAILED:
                failed.append(run)
            yield run

    def _fate(self, created_at: datetime) -> dict[str, object]:
        if self.chance.random() < 0.001:
            return {}
        finished_at = created_at + timedelta(seconds=self.chance.expovariate(0.2))
        if self.chance.random() > 0.07:
            return {"status": RunStatus.SUCCEEDED, "finished_at": finished_at}
        kind = min(int(self.chance.expovariate(0.2)), KINDS - 1)
        return {
            "status": RunStatus.FAILED,
            "finished_at": finished_at,
            "failed_step": "parse",
            "error_type": f"app.Error{kind}",
            "error_message": f"The other side said no, for reason {kind}: " + "x" * 100,
            "fingerprint": f"{kind:016x}",
        }

    def _id(self, at: datetime) -> str:
        return encode_id(int(at.timestamp() * 1000).to_bytes(6, "big") + self.chance.randbytes(10))

    def input_of(self, run: Run) -> bytes:
        language = self.chance.choice(("en", "fr", "de"))
        return b'{"lang": "%s", "customer": %d, "text": "%s"}' % (
            language.encode(), self.chance.randrange(10_000), b"some words " * self.chance.randrange(10, 150),
        )  # fmt: skip


def attempts_of(run: Run) -> Iterator[tuple[Attempt, bytes | None]]:
    if run.finished_at is None:
        return
    yield make_attempt(run, step="fetch"), b'"fetched"'
    if run.status is RunStatus.FAILED:
        error = RecordedError(type=run.error_type or "", message=run.error_message or "")
        for number in (1, 2, 3):
            yield (
                make_attempt(
                    run, step="parse", number=number, outcome=Outcome.FAILED, error=error, fingerprint=run.fingerprint
                ),
                None,
            )
    else:
        yield make_attempt(run, step="parse"), b'["parsed"]'
        yield make_attempt(run, step="store"), b"true"


async def fill(store: Store, count: int) -> list[Run]:
    """Writes the runs past the engine, which would take its time. Returns some of those that failed."""
    population = Population(count, SystemClock().now(), random.Random(1))
    versions = [make_version(workflow=name, definition=make_definition(name, *STEPS)) for name in WORKFLOWS]
    samples: list[Run] = []
    batch: list[Run] = []
    async with store.transaction() as transaction:
        await transaction.commit(changes(versions_added=versions), (), population.newest_at, "")
    for run in population.runs():
        batch.append(run)
        if run.status is RunStatus.FAILED:
            samples = [*samples[-19:], run]
        if len(batch) == BATCH or len(batch) == count:
            await write(store, batch, population)
            batch = []
    return samples


async def write(store: Store, runs: list[Run], population: Population) -> None:
    open_steps = [
        make_open_step(run, step="fetch", state=OpenState.SLEEPING, due_at=population.newest_at + MONTH)
        for run in runs
        if run.finished_at is None
    ]
    written = changes(
        *[(run, population.input_of(run)) for run in runs],
        opened=tuple(open_steps),
        attempts_added=[attempt for run in runs for attempt in attempts_of(run)],
    )
    async with store.transaction() as transaction:
        await transaction.commit(written, (), population.newest_at, "")


FILTERS = (
    "",
    "status:failed",
    "status:running",
    "status:succeeded",
    "status:failed since:24h",
    "workflow:workflow-3",
    "workflow:workflow-3 status:failed",
    "-workflow:workflow-3",
    "version:1",
    "step:parse",
    "error:app.Error3",
    'error:~"reason 7"',
    "fingerprint:0000000000000003",
    "attempt:>1",
    "since:1h",
    "since:7d until:6d",
    "replay:yes",
    "replay:no status:failed",
    "input.lang:fr",
    "input.customer:77",
    "tag.team:billing",
    "-tag.team:web",
    "bulk:bulk-3",
    "Error11",
    "nonesuch",
)


def questions(samples: list[Run]) -> Iterator[tuple[str, str]]:
    """What is asked, in words, and its path."""
    for q in FILTERS:
        name = q or "(no filter)"
        yield f"runs {name}", f"/runs?{urlencode({'q': q, 'limit': 50})}"
        yield f"count {name}", f"/runs/count?{urlencode({'q': q})}"
        for since in ("24h", "30d"):
            yield f"histogram {since} {name}", f"/runs/histogram?{urlencode({'q': q, 'since': since})}"
    middle = samples[0]
    yield "runs, a later page", f"/runs?limit=50&cursor={middle.id}"
    for key in ("source", "family", "parent", "id"):
        yield f"runs {key}:…", f"/runs?{urlencode({'q': f'{key}:{middle.id}'})}"
    for status in ("open", "all"):
        yield f"inbox {status}", f"/inbox?status={status}&since=30d"
    yield "failure group", f"/inbox/{middle.fingerprint}"
    for part in ("", "/steps/parse", "/steps/parse/input", "/events", "/lineage", "/logs"):
        yield f"run{part}", f"/runs/{middle.id}{part}"
    yield "compare", f"/compare/{samples[0].id}/{samples[1].id}"
    for place in ("/workflows", "/workflows/workflow-3", "/workers", "/queues", "/replays", "/documents/view", "/info"):
        yield place.removeprefix("/"), place


@dataclass(frozen=True, slots=True)
class Answer:
    """Milliseconds, the 95th percentile."""

    what: str
    cpu_ms: float
    wall_ms: float


async def ask(http: httpx2.AsyncClient, what: str, path: str, repeats: int) -> Answer:
    cpu, wall = [], []
    for _ in range(repeats):
        began = time.process_time(), time.perf_counter()
        (await http.get(path)).raise_for_status()
        cpu.append((time.process_time() - began[0]) * 1000)
        wall.append((time.perf_counter() - began[1]) * 1000)
    return Answer(what, p95(cpu), p95(wall))


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


async def measure(runs: int, repeats: int, database: str | None, folder: Path) -> list[Answer]:
    settings = load_settings({"data": folder, "database_url": database}, folder).settings
    store = make_store(settings, SystemClock())
    await store.open()
    samples = await fill(store, runs)
    await store.close()
    async with running_engine(settings) as engine:
        token = await admit_owner(engine, settings)
        http = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(create_app(engine, server_settings(settings, "dev", token))),
            base_url="http://localhost/api/v1",
            headers={"Authorization": f"Bearer {token}"},
        )
        async with http:
            return [await ask(http, what, path, repeats) for what, path in questions(samples)]


def table(answers: list[Answer], runs: int) -> str:
    slowest = sorted(answers, key=lambda answer: -answer.cpu_ms)
    late = [answer for answer in answers if answer.cpu_ms > LIMIT_MS]
    lines = [
        f"{len(answers)} questions, {runs:,} runs, {datetime.now(UTC):%Y-%m-%d}: the slowest p95 is "
        f"{slowest[0].cpu_ms:.0f} ms of CPU, the median {statistics.median(a.cpu_ms for a in answers):.1f} ms; "
        f"{len(late)} above {LIMIT_MS:.0f} ms.",
        "",
        "| question | CPU ms p95 | wall ms p95 |",
        "|---|---|---|",
    ]
    lines += [f"| {answer.what} | {answer.cpu_ms:.1f} | {answer.wall_ms:.1f} |" for answer in slowest]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--database", help="a database's URL instead of a file of its own; it must be empty")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=Path(__file__).parent) as folder:
        answers = asyncio.run(measure(given.runs, given.repeats, given.database, Path(folder)))
    print(table(answers, given.runs))


if __name__ == "__main__":
    main()
