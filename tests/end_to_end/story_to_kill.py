"""A workflow that leaves a line outside the engine for each thing it does. Run as a program it has its engine inside.

    python story_to_kill.py 12       have twelve runs in all, go on with those that there are, and wait for their ends

``EFFECTS`` names the file of the lines; the program also writes the ids of the runs that it knows to be accepted to
``LEDGER``. Both are on disk before anything else happens.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
from pathlib import Path

from mulligan import Context, Mulligan, Retry, after

m = Mulligan()
story = m.workflow("story", input=int, doc="Two ways from one beginning to one end, with a retry, a sleep and a child.")


def write_down(file: Path, line: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, f"{line}\n".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def leave(ctx: Context, *saw: str) -> str:
    """An effect that no engine can take back. Returns a word that no other attempt has: the step's result."""
    word = secrets.token_hex(8)
    effect = {"run": ctx.run_id, "step": ctx.step, "attempt": ctx.attempt, "word": word, "saw": saw}
    write_down(Path(os.environ["EFFECTS"]), json.dumps(effect))
    return word


@m.task
async def seal(ctx: Context, word: str) -> str:
    return leave(ctx, word)


@story.step
def begin(ctx: Context, number: int) -> str:
    return leave(ctx)


@story.step(retries=Retry(3, first="50ms"))
async def left(ctx: Context, begun: str = after(begin)) -> str:
    word = leave(ctx, begun)
    if ctx.attempt == 1:
        raise ConnectionError("the first time never works")
    return word


@story.step
def right(ctx: Context, begun: str = after(begin)) -> str:
    return leave(ctx, begun)


pause = story.sleep("100ms", after=[right])


@story.step(after=[pause])
async def end(ctx: Context, left: str = after(left), right: str = after(right)) -> str:
    word = leave(ctx, left, right)
    await seal(word)
    return word


async def main(wanted: int, ledger: Path) -> None:
    accepted = known(ledger)
    for number in range(len(accepted), wanted):
        run = await story.start(number, idempotency_key=f"story/{number}")
        write_down(ledger, run.id)
        accepted.append(run.id)
    for run_id in accepted:
        await (await m.runs.get(run_id)).wait()


def known(ledger: Path) -> list[str]:
    return ledger.read_text().split() if ledger.exists() else []


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(os.environ["LEDGER"])))
    m.close()
