"""Payloads that were seen lately, so that a step which follows at once needs no read. Payloads never change, so a
cached one is never wrong, on any number of replicas."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Collection, Iterable

from mulligan.core.facts import Produced
from mulligan.core.records import OutputRef
from mulligan.ports.store import Store

Key = str | OutputRef
"""A run id stands for the run's input."""

MOST_BYTES = 64 * 1024 * 1024
MOST_ENDED = 2_000
"""Runs that have ended and whose payloads are held. All 64 MB full of what nobody asks for are slower than no memory at
all: the processor finds nothing in its own caches any more, and each task took a tenth longer."""
ENTRY = 300
"""Bytes that an entry takes beside its payload: its key, the id in it, and its place in the order."""


class Payloads:
    """A cache of ``MOST_BYTES`` in front of ``Store.payloads``."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._size = 0
        self._held: OrderedDict[Key, bytes] = OrderedDict()
        self._ended: deque[Collection[Key]] = deque()

    def remember(self, key: Key, payload: bytes) -> None:
        if key in self._held:
            return
        self._held[key] = payload
        self._size += len(payload) + ENTRY
        while self._size > MOST_BYTES:
            _, dropped = self._held.popitem(last=False)
            self._size -= len(dropped) + ENTRY

    def run_ended(self, keys: Collection[Key]) -> None:
        """Hardly anybody asks for these again but who waits for the run's end, and soon: the oldest are dropped."""
        self._ended.append(keys)
        if len(self._ended) <= MOST_ENDED:
            return
        for key in self._ended.popleft():
            dropped = self._held.pop(key, None)
            if dropped is not None:
                self._size -= len(dropped) + ENTRY

    def known(self, key: Key) -> bytes | None:
        return self._held.get(key)

    async def fetch(self, inputs: Iterable[str], outputs: Iterable[OutputRef]) -> Produced:
        """The payloads, from memory or from the store. What does not exist is absent."""
        found = Produced({}, {})
        missing_inputs: list[str] = []
        missing_outputs: list[OutputRef] = []
        for run_id in inputs:
            held = self._held.get(run_id)
            if held is None:
                missing_inputs.append(run_id)
            else:
                found.inputs[run_id] = held
        for ref in outputs:
            held = self._held.get(ref)
            if held is None:
                missing_outputs.append(ref)
            else:
                found.outputs[ref] = held
        if missing_inputs or missing_outputs:
            read = await self._store.payloads(missing_inputs, missing_outputs)
            found.inputs.update(read.inputs)
            found.outputs.update(read.outputs)
            # In the order of the question: what is forgotten first must not hang on that of the answer.
            for run_id in filter(read.inputs.__contains__, missing_inputs):
                self.remember(run_id, read.inputs[run_id])
            for ref in filter(read.outputs.__contains__, missing_outputs):
                self.remember(ref, read.outputs[ref])
        return found
