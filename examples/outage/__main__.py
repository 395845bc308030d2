"""The outage from beginning to end, in one terminal: `python -m examples.outage`."""

from __future__ import annotations

import asyncio
import os

from examples.outage.app import all_documents, index, indexing, m, parse
from examples.outage.service import SearchIndex, SearchService
from examples.places import made


def times_parsed() -> int:
    log = made() / "parsed.log"
    return len(log.read_text(encoding="utf-8").splitlines()) if log.exists() else 0


async def story(service: SearchService) -> None:
    before = times_parsed()
    print(f"The search service at {service.url} is down. {len(all_documents())} documents are to be indexed.")
    runs = [await run.wait() for run in await indexing.start_many(all_documents())]
    for run in runs:
        print(f"  {run.id}  {run.status}  at {index.name} after attempt {run[index].attempts}: {run[index].error}")
    print(f"Files were read {times_parsed() - before} times.\n")

    service.index.up = True
    print("The service is back. The failed runs are replayed from the failed step.")
    for run in runs:
        again = await (await run.replay(reason="the search service is back")).wait()
        passages = again[index].output
        print(f"  {again.id}  {again.status}  {parse.name} was {again[parse].status}, {passages} passages indexed")
    print(f"Files were read {times_parsed() - before} times in all.\n")
    for hit in service.index.search("fog horn"):
        print(f"Found in {hit['title']}: {hit['passage']}")


def main() -> None:
    with SearchService(SearchIndex(made() / "search.db"), port=0) as service:
        service.index.up = False
        os.environ["SEARCH_URL"] = service.url
        asyncio.run(story(service))
    m.close()


if __name__ == "__main__":
    main()
