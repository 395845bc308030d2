import asyncio
import os
import threading

import procrastinate

URL = os.environ["PEER_URL"]
app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=URL, max_size=20))
done = threading.Semaphore(0)


@app.task(name="noop")
async def noop(text: str) -> None:
    done.release()


def work(ready: threading.Event) -> None:
    async def run() -> None:
        worker_app = app.with_connector(procrastinate.PsycopgConnector(conninfo=URL, max_size=20))
        async with worker_app.open_async():
            ready.set()
            await worker_app.run_worker_async(concurrency=20, install_signal_handlers=False)

    asyncio.run(run())


if __name__ == "__main__":
    from measuring import TEXT, main

    async def prepare() -> None:
        async with app.open_async():
            await app.schema_manager.apply_schema_async()

    asyncio.run(prepare())
    ready = threading.Event()
    threading.Thread(target=work, args=(ready,), daemon=True).start()
    ready.wait(30)
    sync_app = app.with_connector(procrastinate.SyncPsycopgConnector(conninfo=URL))
    sync_app.open()
    task = sync_app.tasks["noop"]

    def steady(count: int) -> None:
        for _ in range(count):
            task.defer(text=TEXT)
        for _ in range(count):
            done.acquire()

    def one() -> None:
        task.defer(text=TEXT)
        done.acquire()

    main(steady, one, tasks=2_000)
