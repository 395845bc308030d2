import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend
from measuring import TEXT, Peer, main

broker = RedisBroker(url=os.environ["PEER_URL"])
broker.add_middleware(Results(backend=RedisBackend(url=os.environ["PEER_URL"]), result_ttl=3_600_000))
dramatiq.set_broker(broker)


@dramatiq.actor(store_results=True)
def noop(text: str) -> str:
    return text


WAIT = {"block": True, "timeout": 600_000}


def drive() -> None:
    def start(count: int):
        return [noop.send(TEXT) for _ in range(count)]

    def wait(started) -> None:
        for one in started:
            one.get_result(**WAIT)

    def chains(count: int) -> None:
        wait([(noop.message(TEXT) | noop.message() | noop.message()).run() for _ in range(count)])

    def children(count: int) -> None:
        group = dramatiq.group(noop.message(TEXT) for _ in range(count)).run()
        assert len(list(group.get_results(**WAIT))) == count

    main(
        Peer(
            package="dramatiq",
            start=start,
            wait=wait,
            one=lambda: noop.send(TEXT).get_result(**WAIT),
            chains=chains,
            children=children,
        )
    )
