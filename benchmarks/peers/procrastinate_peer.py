"""Its tasks have no results, so the worker is a thread of this process and tells when a task has run.

A chain is a task that defers the next one, and a parent defers its children: it has nothing else for either.
"""

import asyncio
import os
import threading

from measuring import TEXT, Peer, main
from procrastinate import App, PsycopgConnector, SyncPsycopgConnector

URL = os.environ["PEER_URL"]
POLLING_S = 0.05
"""Its notifications wake it nearly always. When one is missed, its default would let the task wait for five seconds."""

app = App(connector=PsycopgConnector(conninfo=URL, max_size=20))
client = App(connector=SyncPsycopgConnector(conninfo=URL))
done = threading.Semaphore(0)


@app.task(name="noop")
async def noop(text: str, more: int = 0) -> None:
    if more:
        await noop.defer_async(text=text, more=more - 1)
    else:
        done.release()


@app.task(name="parent")
async def parent(children: int) -> None:
    await noop.batch_defer_async(*[{"text": "x" * 60} for _ in range(children)])


def work(ready: threading.Event) -> None:
    async def run() -> None:
        async with app.open_async():
            await app.schema_manager.apply_schema_async()
            ready.set()
            await app.run_worker_async(
                concurrency=20, install_signal_handlers=False, fetch_job_polling_interval=POLLING_S
            )

    asyncio.run(run())


def drive() -> None:
    ready = threading.Event()
    threading.Thread(target=work, args=(ready,), daemon=True).start()
    ready.wait(30)
    client.open()
    task = client.configure_task("noop")

    def start(count: int, more: int = 0) -> int:
        for begin in range(0, count, 1000):
            task.batch_defer(*[{"text": TEXT, "more": more} for _ in range(min(1000, count - begin))])
        return count

    def wait(count: int) -> None:
        for _ in range(count):
            done.acquire()

    def one() -> None:
        task.defer(text=TEXT)
        wait(1)

    def children(count: int) -> None:
        client.configure_task("parent").defer(children=count)
        wait(count)

    main(
        Peer(
            package="procrastinate",
            start=start,
            wait=wait,
            one=one,
            chains=lambda count: wait(start(count, more=2)),
            children=children,
        ),
        tasks=2_000,
        chains=300,
    )
