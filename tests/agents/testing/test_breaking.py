"""Broken units are broken indeed, and mended when asked."""

from __future__ import annotations

import pytest
import torch

from genesys.errors import UnitError
from genesys.gau.compose import compose
from genesys.gau.load import load_block
from genesys.gau.model import GAM
from genesys.gau.tree import GAUTree
from genesys.gau.unit import parse_unit
from genesys.population.population import Population
from genesys.records import Operator, SessionEnd
from genesys_agents.testing.breaking import KINDS, broken, faulty
from genesys_agents.testing.competent import Competent

from .conftest import Hold


def run(tree: GAUTree) -> float:
    """How much the first positions move when the last one is replaced."""
    torch.manual_seed(0)
    module = load_block(compose(tree))
    block = GAM(module.GAB, 32, 1, 11, module.gab_config).blocks[0]
    X = torch.randn(2, 9, 32)
    changed = torch.cat((X[:, :-1], torch.randn(2, 1, 32)), dim=1)
    with torch.no_grad():
        moved = block(X)[0] - block(changed)[0]
    return float(moved[:, :-1].abs().max())


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_breaks(kind: str, population: Population) -> None:
    tree = GAUTree.of(population.design("gpt2"))
    assert run(tree) < 1e-6
    code = broken(tree.units["GPT2"].code, kind)
    if kind == "syntax":
        with pytest.raises(UnitError):
            parse_unit(code)
        return
    bad = GAUTree(tree.root, {**tree.units, "GPT2": parse_unit(code)}, tree.args)
    if kind == "leak":
        assert run(bad) > 1e-3
    else:
        with pytest.raises((RuntimeError, ValueError)):
            run(bad)


def test_other_texts_stay() -> None:
    assert broken("No code here.", "shape") == "No code here."


def test_the_share_of_broken_units(hold: Hold) -> None:
    whole, half, all_broken = (
        hold(faulty(Competent(), p, kinds=["syntax"]), Operator.SCRATCH) for p in (0.0, 0.5, 1.0)
    )
    assert "coder debug" not in whole.asked
    assert half.session.end is SessionEnd.ACCEPTED
    assert half.asked.count("coder debug") > 0
    assert half.design == whole.design
    assert all_broken.session.end is SessionEnd.NOT_IMPLEMENTED
