"""Late acknowledgement, as who cares for his tasks sets it; a prefetch that suits short ones."""

import os

from celery import Celery, chain, chord, group
from measuring import TEXT, Peer, main

app = Celery("peer", broker=os.environ["PEER_URL"], backend=os.environ["PEER_URL"])
app.conf.update(task_acks_late=True, worker_prefetch_multiplier=64, result_expires=86_400)


@app.task
def noop(text: str) -> str:
    return text


@app.task
def total(results: list[str]) -> int:
    return len(results)


def drive() -> None:
    def start(count: int):
        return group(noop.s(TEXT) for _ in range(count)).apply_async()

    def chains(count: int) -> None:
        group(chain(noop.s(TEXT), noop.s(), noop.s()) for _ in range(count)).apply_async().get(timeout=600)

    def children(count: int) -> None:
        assert chord(noop.s(TEXT) for _ in range(count))(total.s()).get(timeout=600, interval=0.001) == count

    main(
        Peer(
            package="celery",
            start=start,
            wait=lambda results: results.get(timeout=600),
            one=lambda: noop.delay(TEXT).get(timeout=60, interval=0.001),
            chains=chains,
            children=children,
        )
    )
