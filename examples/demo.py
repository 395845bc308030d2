"""A server, its dashboard and a worker, with the runs of all examples and something wrong with most: `make demo`.

    python -m examples.demo                go on where the last demo was left
    python -m examples.demo --fresh        forget what there was
    python -m examples.demo --port 9000    another port for the dashboard (also: MULLIGAN_PORT=9000 make demo)

Everything is kept in ``.mulligan/demo``; Ctrl-C stops it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shlex
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from examples.outage.service import PORT, SearchIndex, SearchService
from mulligan import Mulligan, MulliganError, Run
from mulligan.app.address import make_data_folder
from mulligan.app.logs import set_up_logs
from mulligan.app.server_process import Served, serving
from mulligan.app.settings import load_settings
from mulligan.app.signals import stop_signals
from mulligan.sdk.worker.threads import WorkerThread

FOLDER = Path(".mulligan/demo")
ROWS = range(1, 51)
"""Penguins to begin with; six of them have no sex."""

GUIDE = """
  Mulligan's dashboard     {dashboard}
  The search service       {search}

  The runs of the examples wait for you. Things to try:

  1  Outage: eight runs of "documents" failed, since the search service is down.
     Open one of them: the file was read, and "index" tried four times to store it.
     Bring the service back on its page, or with
         {service} up
     and replay the runs: "parse" and "extract" are kept, only "index" runs. Then search for "fog horn" on its page.

  2  Fixed bug: six of fifty runs of "penguins" failed, with a KeyError that nobody had expected.
     Deploy the version that knows rows without sex. In another terminal:
         {environment} {mulligan} worker examples/fixed_bug/v2.py:m
     and replay them on the latest version. The others are left in peace.

  3  Tuning: two runs of "newsletter" failed, because the teaser does not fit.
     Open one, and in "summarise" set "sentences" to 2, or take another "method"; replay and compare the two runs.
     In "feedback" nothing failed: replay its step "ask" with another "prompt".

  The command line knows the demo too:  {environment} {mulligan} runs ls

  Ctrl-C stops the demo. The next `make demo` goes on from here, and --fresh forgets all of it.
"""


async def demo(port: int | None, search: SearchService) -> None:
    settings = load_settings({"data": FOLDER, "port": port}).settings
    with stop_signals() as stop:
        async with serving(settings, "dev") as served:
            # As in production. The examples read it when they are imported.
            os.environ |= {"MULLIGAN_URL": served.url, "MULLIGAN_TOKEN": served.token, "SEARCH_URL": search.url}
            async with workers(apps()):
                runs = await start_runs()
                print(
                    "Started the examples; the outage takes some seconds to show, as it is retried first …", flush=True
                )
                await asyncio.gather(*(run.wait() for run in runs))
                print(guide(served, search), flush=True)
                await stop.wait()


def apps() -> list[Mulligan]:
    from examples.fixed_bug import v1
    from examples.outage import app
    from examples.tuning import feedback, newsletter

    return [app.m, v1.m, newsletter.m, feedback.m]


@asynccontextmanager
async def workers(programs: list[Mulligan]) -> AsyncIterator[None]:
    """A worker on threads of its own for each program, as separate processes would be."""
    running = [WorkerThread(program, slots=8, name=f"demo-{'-'.join(program.declarations)}") for program in programs]
    try:
        await asyncio.gather(*(asyncio.wrap_future(ready) for worker in running if (ready := worker.ready())))
        yield
    finally:
        # In threads, for stopping blocks, and the server that they say goodbye to is on this loop.
        await asyncio.gather(*(asyncio.to_thread(worker.stop, timedelta(seconds=5)) for worker in running))
        await asyncio.gather(*(asyncio.to_thread(program.close) for program in programs))


async def start_runs() -> list[Run]:
    """Each run has an idempotency key of its own: the second demo finds those of the first and makes none."""
    from examples.fixed_bug import v1
    from examples.outage import app
    from examples.tuning import feedback, newsletter

    letters = [newsletter.Article(file=document.file) for document in app.all_documents()]
    message = feedback.Message(text="The new timeline is lovely, but I cannot find the logs.")
    # The newest run stands on top of the dashboard's list: the outage is last.
    return [
        await feedback.feedback.start(message, idempotency_key="demo/feedback"),
        *[await newsletter.teaser.start(it, idempotency_key=f"demo/newsletter/{it.file}") for it in letters],
        *[await v1.weighing.start(v1.Row(number=row), idempotency_key=f"demo/penguins/{row}") for row in ROWS],
        *[await app.indexing.start(it, idempotency_key=f"demo/documents/{it.file}") for it in app.all_documents()],
    ]


def guide(served: Served, search: SearchService) -> str:
    here = Path.cwd()
    programs = Path(sys.executable).parent
    python, mulligan = (
        shlex.quote(str(program.relative_to(here) if program.is_relative_to(here) else program))
        for program in (programs / "python", programs / "mulligan")
    )
    elsewhere = "" if search.url.endswith(f":{PORT}") else f"SEARCH_URL={search.url} "
    return GUIDE.format(
        dashboard=served.one_click_url,
        search=search.url,
        environment=f"MULLIGAN_DATA={FOLDER}",
        service=f"{elsewhere}{python} -m examples.outage.service",
        mulligan=mulligan,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m examples.demo", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fresh", action="store_true", help="forget what earlier demos left")
    parser.add_argument("--port", type=int, help="of the dashboard, default MULLIGAN_PORT or 8420")
    parser.add_argument("--search-port", type=int, default=PORT, help=f"of the search service, default {PORT}")
    arguments = parser.parse_args()
    if arguments.fresh:
        shutil.rmtree(FOLDER, ignore_errors=True)
    make_data_folder(FOLDER)
    os.environ["EXAMPLES_HOME"] = str(FOLDER)
    set_up_logs("text")
    try:
        with SearchService(SearchIndex(FOLDER / "search.db", up=False), arguments.search_port) as search:
            asyncio.run(demo(arguments.port, search))
    except (MulliganError, OSError) as error:
        sys.exit(f"The demo cannot start: {error}")


if __name__ == "__main__":
    main()
