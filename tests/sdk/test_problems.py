"""An error comes out of a client as it was put into the server: "not now" must not turn into "never"."""

import ast

import pytest

from mulligan.errors import Unavailable
from mulligan.sdk.client.problems import error_of
from tests.house.source import sources


def codes_of(name: str) -> set[str]:
    """The codes that are given to errors of this class anywhere in the package, besides the class's own."""
    calls = [node for source in sources() for node in ast.walk(source.tree) if isinstance(node, ast.Call)]
    named = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == name]
    values = [keyword.value for call in named for keyword in call.keywords if keyword.arg == "code"]
    return {value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)}


@pytest.mark.parametrize("code", sorted(codes_of("StoreUnavailable") | {"unavailable", "store_unavailable"}))
def test_a_store_that_cannot_be_used_now_is_no_refusal(code: str) -> None:
    assert isinstance(error_of(code, "Not now."), Unavailable)
