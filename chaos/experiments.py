"""The experiments: which faults, how often, on what; and one of them from the first process to the last verdict."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from chaos import faults
from chaos.auditor import Evidence, Report, audit, execution_of
from chaos.books import read_histories
from chaos.disks import small_disk
from chaos.faults import Fault
from chaos.ledgers import Effects, Line, read_ledger
from chaos.processes import EndedByItself
from chaos.rig import Crew, Kill, Rig, Stuck, running_rig

SAMPLE = 20
"""So many ended runs are looked at after every cycle, and once more in the end."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """``cycles``: by size. ``before``: how many steps begin between two faults, at most."""

    name: str
    title: str
    faults: tuple[Fault, ...]
    cycles: dict[str, int]
    postgresql: bool = False
    small_disk: bool = False
    crew: Crew = field(default_factory=Crew)
    before: int = 60


@dataclass(slots=True)
class Outcome:
    """``recoveries_s``: for each cycle, from the moment in which all could work again until a step began; where only
    workers are killed, for each step that was lost with one, from the kill until it began again."""

    experiment: Experiment
    cycles: int
    kills: int
    stops: int
    report: Report
    recoveries_s: list[float]
    disk: str = ""


NETWORK = (
    faults.cut_connections, faults.close_network, faults.silence_network, faults.slow_network, faults.split_network,
)  # fmt: skip
SQLITE_FAULTS = (
    faults.kill_server, faults.kill_workers, faults.kill_both, faults.kill_client, faults.stop_server,
    faults.stop_workers, *NETWORK, faults.fill_disk, faults.restart_in_turn,
)  # fmt: skip
POSTGRESQL_FAULTS = (
    faults.kill_server, faults.kill_workers, faults.kill_both, faults.kill_client, faults.kill_postgresql,
    faults.stop_server, faults.stop_workers, faults.stop_postgresql, *NETWORK, faults.restart_in_turn,
)  # fmt: skip


def cycles(nightly: int, release: int, quick: int = 0) -> dict[str, int]:
    return {"quick": quick, "nightly": nightly, "release": release}


ON_SQLITE = (
    Experiment("server", "kill -9 of the server", (faults.kill_server,), cycles(90, 300)),
    Experiment("workers", "kill -9 of workers", (faults.kill_workers,), cycles(60, 200)),
    Experiment("both", "kill -9 of server and workers at once", (faults.kill_both,), cycles(30, 100)),
    Experiment("clients", "kill -9 of a client", (faults.kill_client,), cycles(30, 60)),
    Experiment("stopped", "SIGSTOP of server or workers", (faults.stop_server, faults.stop_workers), cycles(20, 80)),
    Experiment("network", "connections cut, refused, half-open, slow, split", NETWORK, cycles(25, 100)),
    Experiment("disk", "disk full", (faults.fill_disk,), cycles(10, 40), small_disk=True),
    Experiment("deploy", "rolling restart with SIGTERM", (faults.restart_in_turn,), cycles(10, 40)),
    Experiment(
        "all",
        "all of these in one world",
        SQLITE_FAULTS,
        cycles(26, 104, quick=len(SQLITE_FAULTS)),
        small_disk=True,
        before=8,
    ),
)
ON_POSTGRESQL = tuple(
    replace(each, postgresql=True, crew=Crew(servers=3, workers=3))
    for each in (
        Experiment("pg-server", "kill -9 of one of three servers", (faults.kill_server,), cycles(40, 200)),
        Experiment("pg-database", "kill -9 of PostgreSQL", (faults.kill_postgresql,), cycles(20, 100)),
        Experiment(
            "pg-stopped",
            "SIGSTOP of a server or of PostgreSQL",
            (faults.stop_server, faults.stop_postgresql),
            cycles(12, 40),
        ),
        Experiment("pg-deploy", "rolling restart with SIGTERM", (faults.restart_in_turn,), cycles(5, 40)),
        Experiment(
            "pg-all",
            "all faults but a full disk, three servers",
            POSTGRESQL_FAULTS,
            cycles(28, 98, quick=len(POSTGRESQL_FAULTS)),
            before=8,
        ),
    )
)
EXPERIMENTS = (*ON_SQLITE, *ON_POSTGRESQL)


async def carry_out(
    experiment: Experiment, number: int, folder: Path, seed: int, next_cycle: Callable[[], None]
) -> Outcome:
    """So many cycles in ``folder``, which is empty, and what the auditor has to say."""
    chance = random.Random(f"{experiment.name}/{seed}")
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk(folder / "data")) if experiment.small_disk else None
        async with running_rig(folder, experiment.crew, chance, experiment.postgresql) as rig:
            if disk is not None:
                rig.disk = disk
            observer = Observer(rig)
            try:
                for fault in _drawn(experiment, number, chance):
                    await observer.cycle(fault, chance.randint(3, experiment.before))
                    next_cycle()
            except EndedByItself as error:
                rig.crashed.append(str(error))
            except Stuck as error:
                rig.stuck.append(str(error))
            return await observer.conclude(experiment)


def _drawn(experiment: Experiment, number: int, chance: random.Random) -> Iterator[Fault]:
    """All faults of the experiment equally often, in an order of chance."""
    hand: list[Fault] = []
    for _ in range(number):
        if not hand:
            hand = list(experiment.faults)
            chance.shuffle(hand)
        yield hand.pop()


class Observer:
    """Goes from fault to fault, measures how long each is felt, and looks at what has ended."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._cycles = 0
        self._recoveries_s: list[float] = []
        self._histories: dict[str, str] = {}

    async def cycle(self, fault: Fault, steps: int) -> None:
        """One fault after so many steps more, and until a step begins again."""
        rig = self._rig
        await rig.until_begun(steps)
        # anywhere between two lines of a ledger, as in the middle of a commit
        await asyncio.sleep(rig.chance.uniform(0, 0.03))
        could_work_at = await fault(rig)
        line = await rig.until_begun(1, since=could_work_at)
        self._recoveries_s.append((line["at"] - could_work_at) / 1e9)
        self._cycles += 1
        await self._look_at_history()

    async def _look_at_history(self) -> None:
        """Of runs that clients have seen the end of."""
        seen = [line["run"] for line in read_ledger(self._rig.folder / "clients") if line["what"] == "ended"]
        fresh = [run for run in seen if run not in self._histories]
        picked = self._rig.chance.sample(fresh, min(SAMPLE, len(fresh)))
        self._histories |= await read_histories(self._rig.where, picked)

    async def conclude(self, experiment: Experiment) -> Outcome:
        rig = self._rig
        books = await rig.end()
        after = await read_histories(rig.where, list(self._histories))
        workers = read_ledger(rig.folder / "workers")
        report = audit(
            Evidence(
                books=books,
                clients=read_ledger(rig.folder / "clients"),
                workers=workers,
                effects=Effects(rig.folder / "effects.db").read(),
                histories=[(run, before, after[run]) for run, before in self._histories.items()],
                crashed=rig.crashed,
                stuck=rig.stuck,
            )
        )
        only_workers = experiment.faults == (faults.kill_workers,)
        return Outcome(
            experiment,
            self._cycles,
            len(rig.kills),
            rig.stops,
            report,
            begun_again_s(rig.kills, workers) if only_workers else self._recoveries_s,
            rig.disk.how if experiment.small_disk else "",
        )


def begun_again_s(kills: Iterable[Kill], workers: Iterable[Line]) -> list[float]:
    """For each step that was killed with its worker: how long until its next attempt began."""
    killed_at = {kill.victim: kill.at for kill in kills}
    begun = {execution_of(line): line for line in workers if line["what"] == "start"}
    finished = {execution_of(line) for line in workers if line["what"] == "finish"}
    found: list[float] = []
    for (run, step, attempt), line in begun.items():
        again = begun.get((run, step, attempt + 1))
        if again is not None and line["worker"] in killed_at and (run, step, attempt) not in finished:
            found.append((again["at"] - killed_at[line["worker"]]) / 1e9)
    return found
