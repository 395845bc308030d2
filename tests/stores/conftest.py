import pytest

from tests.postgres import empty_database, empty_postgres, postgres_database, postgres_server, postgres_url

# The suite is imported, not collected: pytest must be told to explain its asserts.
pytest.register_assert_rewrite("mulligan.testing.exercise_store")

__all__ = ["empty_database", "empty_postgres", "postgres_database", "postgres_server", "postgres_url"]
