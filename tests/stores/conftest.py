import pytest

# The suite is imported, not collected: pytest must be told to explain its asserts.
pytest.register_assert_rewrite("mulligan.testing.exercise_store")
