import os

from huey import RedisHuey

huey = RedisHuey("peer", url=os.environ["PEER_URL"])


@huey.task()
def noop(text: str) -> str:
    return text


if __name__ == "__main__":
    from measuring import TEXT, main

    def steady(count: int) -> None:
        for result in [noop(TEXT) for _ in range(count)]:
            result.get(blocking=True, timeout=600)

    main(steady, lambda: noop(TEXT).get(blocking=True, timeout=60, backoff=1.0, max_delay=0.001))
