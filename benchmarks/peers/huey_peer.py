import os

from huey import RedisHuey
from huey.api import chord
from measuring import TEXT, Peer, main

huey = RedisHuey("peer", url=os.environ["PEER_URL"])


@huey.task()
def noop(text: str) -> str:
    return text


@huey.task()
def total(results: list[str]) -> int:
    return len(results)


# the shortest wait between two looks at a result
WAIT = {"blocking": True, "timeout": 600, "backoff": 1.0, "max_delay": 0.001}


def drive() -> None:
    def start(count: int):
        return [noop(TEXT) for _ in range(count)]

    def wait(started) -> None:
        for one in started:
            one.get(**WAIT)

    def chains(count: int) -> None:
        started = [huey.enqueue(noop.s(TEXT).then(noop).then(noop)) for _ in range(count)]
        for results in started:
            results.get(**WAIT)

    def children(count: int) -> None:
        result = huey.enqueue(chord([noop.s(TEXT) for _ in range(count)], total.s()))
        assert result.callback.get(**WAIT) == count

    main(
        Peer(
            package="huey",
            start=start,
            wait=wait,
            one=lambda: noop(TEXT).get(**WAIT),
            chains=chains,
            children=children,
        )
    )
