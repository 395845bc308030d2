from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mulligan.ports.store import Store
from mulligan.stores.sqlite import SqliteStore
from mulligan.testing.exercise_store import StoreConformance


class TestSqliteStore(StoreConformance):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[Store]:
        store = SqliteStore(tmp_path / "mulligan.db")
        await store.open()
        yield store
        await store.close()
