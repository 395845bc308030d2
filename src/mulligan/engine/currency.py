"""Which version *latest* means: the newest that somebody has who is there.

After a deploy was undone the newest of all versions is one that nobody has, and whatever was begun on it would wait for
ever. While nobody at all is there, it is the newest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from mulligan.core.commands import Command, StartRun
from mulligan.core.records import Version, WorkerState
from mulligan.ports.store import Store

LOOK_EVERY = timedelta(seconds=10)


def current(newest_first: Iterable[Version], digests: Collection[str]) -> Version | None:
    """The newest of those that workers have; of all, if they have none of them."""
    versions = list(newest_first)
    served = (version for version in versions if version.digest in digests)
    return next(served, versions[0] if versions else None)


async def digests_served(store: Store, namespace: str, now: datetime) -> dict[str, frozenset[str]]:
    """Workflow → the digests of the versions that the workers of a namespace have who take new work."""
    found: dict[str, set[str]] = {}
    for worker in await store.workers(namespace):
        if worker.state is WorkerState.ACTIVE and worker.lease_until_at > now:
            for workflow, digest in worker.workflows.items():
                found.setdefault(workflow, set()).add(digest)
    return {workflow: frozenset(digests) for workflow, digests in found.items()}


class Currency:
    """What new runs begin on where that is not the newest version. Starts do not wait for it: it is known beforehand,
    from a look at the workers whenever one comes or goes here, and now and then for those of other engines."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._namespaces: set[str] = set()
        self._instead: dict[tuple[str, str], str] = {}

    def watch(self, namespace: str) -> None:
        """Runs are started, or workers seated, in this namespace."""
        self._namespaces.add(namespace)

    def instead_of_newest(self, namespace: str, workflow: str) -> str | None:
        """A digest, or None where the newest version is the one to run."""
        return self._instead.get((namespace, workflow))

    def applied(self, commands: Sequence[Command]) -> Sequence[Command]:
        """With what starts shall begin on, if they do not say it themselves."""
        if commands and isinstance(commands[0], StartRun):
            self.watch(commands[0].namespace)
        return [self._applied(command) for command in commands] if self._instead else commands

    def _applied(self, command: Command) -> Command:
        if not isinstance(command, StartRun) or command.version is not None:
            return command
        digest = self.instead_of_newest(command.namespace, command.workflow)
        return command if digest is None else msgspec.structs.replace(command, latest=digest)

    async def tick(self, now: datetime) -> datetime | None:
        for namespace in sorted(self._namespaces):
            await self._look(namespace, now)
        # whoever owns the store hears of every worker that comes or goes
        return None if self._store.capabilities.exclusive else now + LOOK_EVERY

    async def _look(self, namespace: str, now: datetime) -> None:
        instead: dict[tuple[str, str], str] = {}
        for workflow, digests in (await digests_served(self._store, namespace, now)).items():
            newest = await self._store.version(namespace, workflow, None)
            if newest is not None and newest.digest not in digests:
                versions = await self._store.versions(namespace, workflow)
                latest = current(versions, digests)
                if latest is not None:
                    instead[namespace, workflow] = latest.digest
        others = {place: digest for place, digest in self._instead.items() if place[0] != namespace}
        self._instead = others | instead
