"""The arrows of the architecture as a table, and the proof that the linters together enforce exactly this table."""

import tomllib
from itertools import product
from typing import Any

import grimp
import pytest
from importlinter import configuration
from importlinter.contracts.layers import LayersContract

from tests.house.laws import imports_directly_only_what_it_may
from tests.house.source import ROOT, parse

# what its command line does first
configuration.configure()

# errors may be known by all
ARROWS = {
    "errors": set[str](),
    "core": {"errors"},
    "ports": {"errors", "core"},
    "wire": {"errors", "core"},
    "engine": {"errors", "core", "ports"},
    "stores": {"errors", "core", "ports"},
    "sdk": {"errors", "core", "wire"},
    "server": {"errors", "core", "wire", "engine"},
    "gateway": {"errors", "core", "wire", "engine"},
    "app": {"errors", "core", "ports", "wire", "engine", "stores", "sdk", "server", "gateway"},
    "cli": {"errors", "core", "wire", "sdk", "app"},
    "testing": {
        *("errors", "core", "ports", "wire", "engine", "stores", "sdk"),
        *("server", "gateway", "app", "cli"),
    },
}
EDGES = [(importer, imported) for importer, imported in product(ARROWS, ARROWS) if importer != imported]


CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


def kept(graph: grimp.ImportGraph) -> bool:
    """Whether every contract of pyproject.toml accepts the graph."""
    return all(contract_of(**table).check(graph, verbose=False).kept for table in CONTRACTS)


def contract_of(name: str, **options: Any) -> LayersContract:
    assert options.pop("type") == "layers"
    # as its own reader of toml does: truth is the word
    words = {key: str(value) if isinstance(value, bool) else value for key, value in options.items()}
    return LayersContract(name, session_options={"root_packages": ["mulligan"]}, contract_options=words)


def house(*extra_rooms: str) -> grimp.ImportGraph:
    graph = grimp.ImportGraph()
    graph.add_module("mulligan")
    for room in (*ARROWS, *extra_rooms):
        graph.add_module(f"mulligan.{room}")
    return graph


@pytest.mark.parametrize(("importer", "imported"), EDGES)
def test_an_import_between_rooms_passes_only_along_an_arrow(importer: str, imported: str) -> None:
    graph = house()
    graph.add_import(importer=f"mulligan.{importer}", imported=f"mulligan.{imported}")
    # the engine's door is the one module of it that the rooms in front may name
    name = "mulligan.engine.api" if imported == "engine" else f"mulligan.{imported}"
    sentences = list(imports_directly_only_what_it_may(parse(f"import {name}", f"mulligan.{importer}.x")))
    assert (kept(graph) and not sentences) == (imported in ARROWS[importer])


def test_a_way_round_through_a_third_room_is_no_way() -> None:
    graph = house("engine.api")
    graph.add_import(importer="mulligan.server", imported="mulligan.engine.api")
    assert kept(graph)
    graph.add_import(importer="mulligan.engine.api", imported="mulligan.stores")
    assert not kept(graph)


def test_a_new_room_needs_a_place() -> None:
    assert not kept(house("attic"))
