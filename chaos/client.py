"""A client process: starts runs of every kind, cancels and replays some, and writes down what it is told.

    python -m chaos.client SEED LANES

An answer goes into the ledger before anything else is done. What is not answered is asked again, under the same key. It
ends with SIGTERM, once all that it has begun is over.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from chaos import load
from chaos.ledgers import Ledger, sealed
from chaos.plot import BROKEN, MENDED
from mulligan import Run, Task
from mulligan.errors import Unavailable

T = TypeVar("T")
Act = Callable[["Client"], Coroutine[Any, Any, None]]


class Client:
    def __init__(self, name: str, ledger: Ledger, chance: random.Random) -> None:
        self.chance = chance
        self._name = name
        self._ledger = ledger
        self._asked = 0
        self.closing = asyncio.Event()

    async def live(self, lanes: int) -> None:
        """So many things at the same time, until ``closing``."""
        async with asyncio.TaskGroup() as together:
            for _ in range(lanes):
                together.create_task(self._lane())

    async def _lane(self) -> None:
        kinds, weights = zip(*ACTS, strict=True)
        while not self.closing.is_set():
            (act,) = self.chance.choices(kinds, weights)
            await act(self)
            await asyncio.sleep(self.chance.uniform(0, 0.05))

    # ── Asking, with a line before and a line after ──────────────────────────────────────────────────────────────────

    def number(self) -> int:
        self._asked += 1
        return self._asked

    async def start(self, workflow: Any, run_input: Any, key: str = "") -> Run[Any]:
        key = key or f"{self._name}/{self.number()}"
        self._ledger.write("ask", key=key, workflow=workflow.name, input=run_input)
        if isinstance(workflow, Task):
            run = await self._insist(lambda: workflow.options(idempotency_key=key).start(run_input))
        else:
            run = await self._insist(lambda: workflow.start(run_input, idempotency_key=key))
        self._ledger.write("accepted", key=key, run=run.id)
        return run

    async def end_of(self, run: Run[Any]) -> Run[Any]:
        await self._insist(run.wait)
        results = {step.name: step.output for step in run.steps if step.status in ("succeeded", "kept")}
        words = {step: sealed(word) for step, word in results.items() if word is not None}
        self._ledger.write("ended", run=run.id, status=run.status, results=words)
        return run

    async def cancel(self, run: Run[Any]) -> None:
        self._ledger.write("ask_cancel", run=run.id)
        answer = await self._insist(run.cancel)
        self._ledger.write("cancelled", run=run.id, answer=answer)

    async def replay(self, run: Run[Any], **options: Any) -> Run[Any]:
        key = f"{self._name}/{self.number()}"
        self._ledger.write("ask", key=key, workflow=run.summary.workflow, source=run.id, input=options.get("input"))
        again = await self._insist(lambda: run.replay(idempotency_key=key, **options))
        self._ledger.write("accepted", key=key, run=again.id, source=run.id)
        return again

    async def _insist(self, ask: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                return await ask()
            except Unavailable as error:
                self._ledger.write("unknown", why=str(error))
                await asyncio.sleep(0.1)


# ── What clients do ──────────────────────────────────────────────────────────────────────────────────────────────────


async def run_one(client: Client) -> None:
    workflow = client.chance.choice([load.single, load.single, load.once, load.flaky])
    await client.end_of(await client.start(workflow, client.number()))


async def run_with_children(client: Client) -> None:
    workflow = client.chance.choice([load.fan_out, load.parent, load.parent_in_thread])
    await client.end_of(await client.start(workflow, client.number()))


async def run_dag(client: Client) -> None:
    run = await client.end_of(await client.start(load.diamond, client.number()))
    if run.status == "succeeded" and client.chance.random() < 0.3:
        await client.end_of(await client.replay(run, from_step="right"))


async def mend(client: Client) -> None:
    run = await client.end_of(await client.start(load.mending, BROKEN))
    if run.error is not None and run.error.type == "ValueError":
        await client.end_of(await client.replay(run, from_step="check", input={"mark": MENDED}))


async def change_mind(client: Client) -> None:
    run = await client.start(client.chance.choice([load.slow, load.slow, load.fan_out]), client.number())
    await asyncio.sleep(client.chance.uniform(0, 0.5))
    await client.cancel(run)
    await client.end_of(run)


async def start_twice(client: Client) -> None:
    """As an impatient caller does, at the same time and under one key."""
    number = client.number()
    both = [client.start(load.single, number, f"twice/{os.getpid()}/{number}") for _ in range(2)]
    for run in await asyncio.gather(*both):
        await client.end_of(run)


ACTS: list[tuple[Act, float]] = [
    (run_one, 40),
    (run_dag, 25),
    (run_with_children, 15),
    (mend, 8),
    (change_mind, 6),
    (start_twice, 6),
]


async def main(seed: int, lanes: int) -> None:
    name = os.environ["CHAOS_NAME"]
    client = Client(name, Ledger(Path(os.environ["CHAOS_FOLDER"]) / "clients"), random.Random(seed))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, client.closing.set)
    print("at work", flush=True)
    await client.live(lanes)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
