from collections.abc import AsyncIterator

import pytest

from mulligan.app.system import SystemClock
from mulligan.ports.store import Store
from mulligan.stores.postgres import PostgresStore
from mulligan.testing.exercise_store import StoreConformance


class TestPostgresStore(StoreConformance):
    @pytest.fixture
    async def store(self, postgres_url: str) -> AsyncIterator[Store]:
        store = PostgresStore(postgres_url, SystemClock())
        await store.open()
        yield store
        await store.close()
