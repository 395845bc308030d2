"""Workflows run in the process that starts them, its faster way: a queue polls."""

import logging
import os

from dbos import DBOS, DBOSConfig
from measuring import TEXT, Peer, main

logging.disable(logging.WARNING)
config: DBOSConfig = {"name": "peer", "system_database_url": os.environ["PEER_URL"], "run_admin_server": False}
DBOS(config=config)


@DBOS.step()
def work(text: str) -> str:
    return text


@DBOS.workflow()
def noop(text: str) -> str:
    return work(text)


@DBOS.workflow()
def chain(text: str) -> str:
    return work(work(work(text)))


@DBOS.workflow()
def parent(children: int) -> int:
    handles = [DBOS.start_workflow(noop, "x" * 60) for _ in range(children)]
    return len([handle.get_result() for handle in handles])


def drive() -> None:
    DBOS.launch()

    def start(count: int, workflow=noop):
        return [DBOS.start_workflow(workflow, TEXT) for _ in range(count)]

    def wait(handles) -> None:
        for handle in handles:
            handle.get_result()

    main(
        Peer(
            package="dbos",
            start=start,
            wait=wait,
            one=lambda: noop(TEXT),
            chains=lambda count: wait(start(count, chain)),
            children=parent,
        ),
        tasks=1_000,
        calls=200,
        chains=200,
        children=500,
    )
    DBOS.destroy()
