"""Composition into one module, and back."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genesys.errors import TreeError, UnitError
from genesys.gau.compose import compose
from genesys.gau.load import load_block
from genesys.gau.parse import locate, parse_block
from genesys.gau.tree import GAUTree
from genesys.gau.unit import parse_unit

from .conftest import SEEDS, make_tree, trees, unit_code


@given(trees())
def test_composed_blocks_run_and_parse_back(tree):
    code = compose(tree)
    assert parse_block(code) == tree
    module = load_block(code)
    X = torch.ones(1, 3, 8)
    Y, _ = module.GAB(embed_dim=8, block_loc=(0, 1), **module.gab_config)(X)
    assert torch.equal(Y, X * value_of(tree, tree.root))


def value_of(tree: GAUTree, name: str) -> int:
    """What a unit of ``unit_code`` makes of an X of ones; a placeholder passes it on."""
    if name not in tree.units:
        return 1
    own = len(name) if "return x *" in tree.units[name].code else 1
    return own + sum(value_of(tree, child) for child in tree.children(name))


@given(trees(), st.sampled_from(["\n", "\r\n"]), st.sampled_from(["", "\n\n", "# end", "\x0c\n"]))
def test_every_character_comes_back(tree, newline, tail):
    units = {}
    for name, unit in tree.units.items():
        code = unit.code.replace("\n", newline) + tail
        units[name] = parse_unit(code)
    odd = GAUTree(tree.root, units, {"depth": 2, "note": "a'\n\"# ===", "on": None})
    assert parse_block(compose(odd)) == odd


def test_helpers_of_one_name_are_told_apart():
    tree = make_tree({"Aa": ("Bbb",), "Bbb": ()}, {"Aa": "scale", "Bbb": "scale"})
    code = compose(tree)
    assert "def scale(x)" in code and "def Aa__scale(x)" in code
    assert parse_block(code) == tree


def test_imports_of_one_name_are_told_apart():
    first = unit_code("A", ("B",), body="X * sqrt(4)").replace(
        "import torch\n", "from math import sqrt\n"
    )
    second = unit_code("B", body="sqrt(X * 4)").replace(
        "import torch\n", "from torch import sqrt\n"
    )
    tree = GAUTree("A", {"A": parse_unit(first), "B": parse_unit(second)})
    code = compose(tree)
    assert parse_block(code) == tree
    Y, _ = load_block(code).GAB(8, (0, 1))(torch.ones(1, 2, 8))
    assert torch.equal(Y, torch.full((1, 2, 8), 4.0))


def test_an_alias_is_no_plain_import():
    first = unit_code("A", ("B",), body="torch.tanh(X)")
    second = unit_code("B", body="torch.relu(X)").replace(
        "import torch\n", "import torch.nn.functional as torch\n"
    )
    tree = GAUTree("A", {"A": parse_unit(first), "B": parse_unit(second)})
    code = compose(tree)
    assert parse_block(code) == tree
    assert "import torch.nn.functional as torch\n" in code and "torch as A__torch" in code


def test_lines_are_found_again():
    tree = make_tree({"A": ("B",), "B": ()}, {"A": "scale", "B": "scale"})
    code = compose(tree)
    for number, text in enumerate(code.split("\n"), 1):
        if "def _forward" in text:
            found = locate(code, number)
            if found is not None:
                unit, line = found
                assert tree.units[unit].code.split("\n")[line - 1] == text
    assert locate(code, 1) is None


@pytest.mark.parametrize("name", SEEDS)
def test_seeds_come_back_to_the_letter(name, seed_trees):
    assert parse_block(compose(seed_trees[name])) == seed_trees[name]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("print(1)", "no section .block."),
        ("# === GENESYS unit A {bad\n", "Line 1 is no header"),
        ("# === GENESYS thing A\n", "Line 1 is no header"),
        ("# === GENESYS block A\ngab_config = {[]: 1}\n", "dict of literals"),
    ],
)
def test_foreign_code_is_rejected(code, message):
    with pytest.raises((TreeError, UnitError), match=message):
        parse_block(code)
