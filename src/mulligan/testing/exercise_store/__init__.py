"""What every store promises, as tests: bind ``StoreConformance`` to a store and run it with pytest.

    class TestMyStore(StoreConformance):
        @pytest.fixture
        async def store(self) -> AsyncIterator[Store]:
            store = MyStore(...)  # empty
            await store.open()
            yield store
            await store.close()

Stores differ in their ``capabilities`` only; no test is skipped for any of them. Start reading in ``commits``.
"""

from mulligan.testing.exercise_store.bulks import Bulks, Inbox
from mulligan.testing.exercise_store.claims import Claims
from mulligan.testing.exercise_store.commits import Commits
from mulligan.testing.exercise_store.documents import Depths, Documents
from mulligan.testing.exercise_store.filters import Filters
from mulligan.testing.exercise_store.payloads import Payloads
from mulligan.testing.exercise_store.pruning import Pruning
from mulligan.testing.exercise_store.reads import Reads
from mulligan.testing.exercise_store.sweeps import Sweeps


class StoreConformance(Commits, Payloads, Claims, Sweeps, Reads, Filters, Pruning, Bulks, Inbox, Documents, Depths):
    """All promises of the port. A subclass brings a fixture ``store``: an empty store that is open."""


__all__ = ["StoreConformance"]
