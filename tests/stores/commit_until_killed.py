"""Commits run after run to the database given as argument and says the id of each one that was acknowledged."""

import asyncio
import sys

from mulligan.stores.sqlite import SqliteStore
from mulligan.testing.exercise_store.talk import commit, know
from mulligan.testing.factories import changes, make_attempt, make_open_step, make_run


async def main(path: str) -> None:
    store = SqliteStore(path)
    await store.open()
    await know(store)
    while True:
        run = make_run()
        written = changes(
            (run, b'"%s"' % run.id.encode() * 50),
            opened=(make_open_step(run),),
            attempts_added=[(make_attempt(run, step="before"), run.id.encode())],
        )
        await commit(store, written)
        sys.stdout.write(run.id + "\n")
        sys.stdout.flush()


asyncio.run(main(sys.argv[1]))
