import os

from celery import Celery, group

app = Celery("peer", broker=os.environ["PEER_URL"], backend=os.environ["PEER_URL"])
app.conf.update(task_acks_late=True, worker_prefetch_multiplier=64, result_expires=86_400)


@app.task
def noop(text: str) -> str:
    return text


if __name__ == "__main__":
    from measuring import TEXT, main

    def steady(count: int) -> None:
        group(noop.s(TEXT) for _ in range(count)).apply_async().get(timeout=600)

    main(steady, lambda: noop.delay(TEXT).get(timeout=60, interval=0.001))
