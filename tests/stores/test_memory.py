from collections.abc import AsyncIterator

import pytest

from mulligan.ports.store import Store
from mulligan.stores.memory import MemoryStore
from mulligan.testing.exercise_store import StoreConformance


class TestMemoryStore(StoreConformance):
    @pytest.fixture
    async def store(self) -> AsyncIterator[Store]:
        store = MemoryStore()
        await store.open()
        yield store
        await store.close()
