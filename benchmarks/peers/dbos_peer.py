import logging
import os

from dbos import DBOS, DBOSConfig

logging.disable(logging.WARNING)
config: DBOSConfig = {"name": "peer", "system_database_url": os.environ["PEER_URL"], "run_admin_server": False}
DBOS(config=config)


@DBOS.step()
def work(text: str) -> str:
    return text


@DBOS.workflow()
def noop(text: str) -> str:
    return work(text)


if __name__ == "__main__":
    from measuring import TEXT, main

    DBOS.launch()

    def steady(count: int) -> None:
        for handle in [DBOS.start_workflow(noop, TEXT) for _ in range(count)]:
            handle.get_result()

    main(steady, lambda: noop(TEXT), tasks=1_000, calls=200)
    DBOS.destroy()
