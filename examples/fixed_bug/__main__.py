"""The bug and its fix, in one terminal: `python -m examples.fixed_bug`."""

from __future__ import annotations

import asyncio

from examples.fixed_bug import v1, v2
from examples.fixed_bug.penguins import all_penguins
from mulligan import Run


async def before_the_fix() -> list[Run]:
    rows = [v1.Row(number=number) for number in range(1, len(all_penguins()) + 1)]
    runs = [await run.wait() for run in await v1.weighing.start_many(rows)]
    failed = [run for run in runs if run.status == "failed"]
    print(f"Version 1 weighed {len(runs) - len(failed)} penguins and failed on {len(failed)}:")
    for run in failed:
        print(f"  {run.id}  {run[v1.compare].error}  in {run[v1.fetch].output}")
    return failed


async def after_the_fix(failed: list[Run]) -> None:
    print("\nVersion 2 is deployed, and the failed runs are replayed on it.")
    for run in failed:
        source = await v2.m.runs.get(run.id)
        again = await (await source.replay(reason="rows without sex are understood now")).wait()
        print(f"  {again.id}  {again.status}  {again[v2.describe].output}")


def main() -> None:
    failed = asyncio.run(before_the_fix())
    v1.m.close()
    asyncio.run(after_the_fix(failed))
    v2.m.close()


if __name__ == "__main__":
    main()
