"""News between the engines on one database, by LISTEN and NOTIFY: hints that save waiting for the next sweep.

Everything works without them, only later. So nothing here ever fails anybody: a connection that breaks is made anew.
What is to be told meanwhile waits, if it is not too much; who could not listen looks at everything once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

import msgspec

from mulligan.core.facts import Committed
from mulligan.errors import StoreUnavailable
from mulligan.ports.clock import SharedClock
from mulligan.ports.store import News
from mulligan.stores.postgres.database import Address, connect, translated
from mulligan.stores.postgres.statement import Connection, Statement
from mulligan.stores.postgres.timekeeping import go_by_database

TELL_ENGINES = Statement("tell_engines")

CHANNEL = "mulligan"

GATHERED = timedelta(milliseconds=25)
"""At most one message per engine in this time: notifying takes a lock that all of the server's databases share."""

CHECK_EVERY = timedelta(seconds=10)
AGAIN = timedelta(seconds=1)

ANYTHING = ""
"""A message that says no more than that anything may have happened."""
LARGEST = 7_900
"""Bytes; PostgreSQL takes 8,000."""
MOST_UNTOLD = 100
"""Turns: as many as are committed in a second or two without a connection."""
MOST_RUNS = 200
"""Per message, so that it is not too large."""

log = logging.getLogger("mulligan.stores")


class Message(msgspec.Struct, omit_defaults=True):
    """``News`` as it goes over the wire, whole or in parts."""

    runs: dict[str, list[str]] = {}
    workers: list[str] = []
    bulks: list[str] = []
    groups: list[str] = []
    routes: list[str] = []


class Wakeups:
    """``listen`` before ``start``. ``tell`` may be called at any time."""

    def __init__(self, address: Address, clock: SharedClock) -> None:
        self._address = address
        self._clock = clock
        self._heard: Callable[[News | None], None] | None = None
        self._untold: list[News] = []
        self._has_missed = False
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_known_broken = False

    def listen(self, heard: Callable[[News | None], None]) -> None:
        self._heard = heard

    def tell(self, news: News) -> None:
        """Soon, together with what is told until then."""
        if self._task is None or self._address.pooled or not (news.committed or news.routes):
            return
        if len(self._untold) < MOST_UNTOLD:
            self._untold.append(news)
        else:
            self._has_missed = True
        self._wake.set()

    def start(self) -> None:
        if self._heard is not None:
            self._task = asyncio.create_task(self._run(), name="mulligan-wakeups")

    async def stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        while True:
            try:
                with translated(self._address):
                    await self._converse()
            except StoreUnavailable as error:
                if not self._is_known_broken:
                    log.warning("no news of other engines until the connection is back (sweeps go on): %s", error)
                self._is_known_broken = True
            except Exception:
                log.exception("no news of other engines until the connection is made anew (sweeps go on)")
            await self._clock.sleep(AGAIN)

    async def _converse(self) -> None:
        """Listen, look at everything once, then tell, and check now and then, until the connection breaks.

        Whatever was cut off may have been suspended, and either clock may have been set: they are compared at once.
        """
        connection = await connect(self._address, {"application_name": "mulligan news"})
        try:
            if not self._address.pooled:
                await connection.add_listener(CHANNEL, self._receive)
                connection.add_termination_listener(lambda _: self._wake.set())
            await go_by_database(connection, self._address, self._clock)
            self._is_known_broken = False
            if not self._address.pooled:
                self._say(None)
            check_at = self._clock.now() + CHECK_EVERY
            while not connection.is_closed():
                if await self._has_news(until=check_at):
                    await self._tell_all(connection)
                    await self._clock.sleep(GATHERED)
                # However much there is to tell: one worker's heartbeats are enough for news without end.
                if self._clock.now() >= check_at:
                    if not await self._check(connection):
                        return
                    check_at = self._clock.now() + CHECK_EVERY
        finally:
            connection.terminate()

    async def _has_news(self, until: datetime) -> bool:
        """Wait for some; False if there was none ``until`` then."""
        news = asyncio.ensure_future(self._wake.wait())
        nap = asyncio.ensure_future(self._clock.sleep(until - self._clock.now()))
        try:
            await asyncio.wait((news, nap), return_when=asyncio.FIRST_COMPLETED)
            return self._wake.is_set()
        finally:
            news.cancel()
            nap.cancel()

    async def _tell_all(self, connection: Connection) -> None:
        """Whoever could not be told of everything is told that anything may have happened."""
        self._wake.clear()
        untold, self._untold = self._untold, []
        texts = [ANYTHING] if self._has_missed else list(payloads(untold))
        self._has_missed = False
        try:
            await TELL_ENGINES.fetch(connection, channel=CHANNEL, payloads=texts)
        except BaseException:
            self._has_missed = True
            self._wake.set()
            raise

    async def _check(self, connection: Connection) -> bool:
        """Whether the connection still listens (behind a pooler nobody can). A dead one does not answer in time."""
        await go_by_database(connection, self._address, self._clock)
        if self._address.pooled:
            return True
        listens: bool = await connection.fetchval("SELECT $1 IN (SELECT pg_listening_channels())", CHANNEL, timeout=5)
        return listens

    def _receive(self, connection: Connection, pid: int, channel: str, payload: str) -> None:
        if pid != connection.get_server_pid():
            self._say(read_payload(payload))

    def _say(self, news: News | None) -> None:
        if self._heard is not None:
            self._heard(news)


def payloads(untold: Sequence[News]) -> Iterator[str]:
    """The news as texts that are not too large."""
    committed = [news.committed for news in untold]
    by_namespace: dict[str, list[str]] = {}
    for namespace, run_id in frozenset().union(*(each.runs for each in committed)):
        by_namespace.setdefault(namespace, []).append(run_id)
    parts = [
        {namespace: run_ids[start : start + MOST_RUNS]}
        for namespace, run_ids in by_namespace.items()
        for start in range(0, len(run_ids), MOST_RUNS)
    ]
    first = Message(
        runs=parts[0] if parts else {},
        workers=sorted(frozenset().union(*(each.workers for each in committed))),
        bulks=sorted(frozenset().union(*(each.bulks for each in committed))),
        groups=sorted(frozenset().union(*(each.groups for each in committed))),
        routes=sorted(frozenset().union(*(news.routes for news in untold))),
    )
    for message in (first, *(Message(runs=part) for part in parts[1:])):
        text = msgspec.json.encode(message)
        yield text.decode() if len(text) <= LARGEST else ANYTHING


def read_payload(payload: str) -> News | None:
    """None for whatever is no message of ours, too: of another version, or of somebody else."""
    try:
        message = msgspec.json.decode(payload, type=Message)
    except msgspec.DecodeError:
        return None
    runs = frozenset((namespace, run_id) for namespace, ids in message.runs.items() for run_id in ids)
    committed = Committed(runs, frozenset(message.workers), frozenset(message.bulks), frozenset(message.groups))
    return News(committed, frozenset(message.routes))
