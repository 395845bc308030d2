import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

broker = RedisBroker(url=os.environ["PEER_URL"])
broker.add_middleware(Results(backend=RedisBackend(url=os.environ["PEER_URL"]), result_ttl=3_600_000))
dramatiq.set_broker(broker)


@dramatiq.actor(store_results=True)
def noop(text: str) -> str:
    return text


if __name__ == "__main__":
    from measuring import TEXT, main

    def steady(count: int) -> None:
        for message in [noop.send(TEXT) for _ in range(count)]:
            message.get_result(block=True, timeout=600_000)

    main(steady, lambda: noop.send(TEXT).get_result(block=True, timeout=60_000))
