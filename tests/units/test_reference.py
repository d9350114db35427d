"""What every reference unit must do, whatever it computes."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest
import torch

import genesys_knowledge
from genesys.errors import TreeError, UnknownNameError
from genesys.gau.folder import load_tree
from genesys.gau.reference import (
    PLACES,
    ROLES,
    hosted,
    reference_tree,
    reference_unit,
    reference_units,
)
from genesys.gau.testing import is_gau_test
from genesys.resources import resource

from .conftest import assert_causal, host_tree, make_block, unit_module

UNITS = reference_units()
each_unit = pytest.mark.parametrize("name", UNITS)
each_host = pytest.mark.parametrize("name", [n for n, u in UNITS.items() if u.role != "part"])


@cache
def library_keys() -> set[str]:
    works = Path(genesys_knowledge.__path__[0], "library", "works.jsonl").read_text("utf-8")
    return {json.loads(line)["key"] for line in works.splitlines()}


@each_unit
def test_unit_says_what_it_is(name):
    unit = UNITS[name]
    assert all(word in unit.unit.docstring for word in ("Inputs:", "Outputs:", "Source:"))
    assert unit.summary.endswith(".")
    assert unit.source
    assert set(unit.works) <= library_keys()
    assert unit.unit.tests


@each_unit
def test_unit_calls_reference_units_only(name):
    assert not reference_tree(name).placeholders()


@pytest.mark.parametrize("name", [n for n, u in UNITS.items() if u.role == "part"])
def test_parts_are_called(name):
    assert any(name in {c.unitname for c in u.unit.children} for u in UNITS.values())


def test_units_of_a_seed_have_its_code():
    """So that a design holds one copy of what its parent and a reference unit both call."""
    for design in resource("seeds").glob("*/design.yaml"):
        for name, unit in load_tree(design.parent).units.items():
            assert name not in UNITS or UNITS[name].code == unit.code, (design.parent.name, name)


@pytest.mark.parametrize("dtype", [None, torch.bfloat16], ids=str)
@each_unit
def test_unit_passes_its_own_tests(name, dtype):
    module = unit_module(name)
    for test in UNITS[name].unit.tests:
        assert is_gau_test(getattr(module, test))
        getattr(module, test)(device=None, dtype=dtype)


@each_host
def test_any_shape(name):
    for batch, length, dim in ((1, 1, 48), (3, 7, 64), (1, 33, 128)):
        X = torch.randn(batch, length, dim, requires_grad=True)
        Y, _ = make_block(name, dim)(X)
        Y.square().sum().backward()
        assert Y.shape == X.shape
        assert torch.isfinite(Y).all()
        assert torch.isfinite(X.grad).all()


@each_host
def test_strictly_causal(name):
    assert_causal(make_block(name, 32, torch.float64), 32, 71, (1, 15, 16, 17, 33, 48, 64, 65, 70))


@each_host
def test_sequences_of_a_batch_do_not_meet(name):
    block = make_block(name, 48, torch.float64)
    X = torch.randn(3, 37, 48, dtype=torch.float64)
    apart = torch.cat([block(x[None])[0] for x in X])
    assert (block(X)[0] - apart).abs().max() < 1e-12


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@each_host
def test_every_parameter_is_trained(name, dtype):
    block = make_block(name, 64, dtype)
    Y, _ = block(torch.randn(2, 37, 64, dtype=dtype))
    assert Y.dtype is dtype
    (Y * torch.randn_like(Y)).sum().backward()
    for path, parameter in block.named_parameters():
        assert parameter.grad is not None, path
        assert torch.isfinite(parameter.grad).all(), path
        assert parameter.grad.abs().sum() > 0, path


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@each_host
def test_finite_at_large_scale(name, dtype):
    X = (100 * torch.randn(2, 70, 64)).to(dtype).requires_grad_()
    block = make_block(name, 64, dtype)
    Y, _ = block(X)
    Y.float().square().mean().backward()
    assert torch.isfinite(Y).all()
    assert torch.isfinite(X.grad).all()
    assert all(torch.isfinite(p.grad).all() for p in block.parameters())


@each_host
def test_mixed_precision_is_close_to_full(name):
    X = torch.randn(2, 70, 64)
    block = make_block(name, 64)
    full, _ = block(X)
    with torch.autocast("cpu", torch.bfloat16):
        mixed, _ = block(X)
    assert (mixed.float() - full).norm() < 0.05 * full.norm()


@each_host
def test_everything_lies_on_the_device_asked_for(name):
    """On the meta device a tensor that was made elsewhere raises."""
    Y, _ = make_block(name, 64, device="meta")(torch.randn(2, 37, 64, device="meta"))
    assert Y.device.type == "meta"


@each_host
def test_block_weighs_about_as_much_as_gpt(name):
    for dim in (64, 128):
        block, gpt = make_block(name, dim), make_block("RMSNorm", dim)
        share = sum(p.numel() for p in block.parameters()) / sum(
            p.numel() for p in gpt.parameters()
        )
        assert 0.7 < share < 1.5


@pytest.mark.parametrize("name", [n for n, u in UNITS.items() if u.role in PLACES])
def test_host_holds_the_unit_in_its_place(name):
    tree = host_tree(name)
    place = PLACES[UNITS[name].role]
    assert tree.root == "GPT2"
    assert name in tree.children("GPT2")
    assert place == name or place not in tree.children("GPT2")


def test_there_are_many_and_the_docs_list_them_all():
    """``python benchmarks/reference_units.py`` makes the table."""
    page = (resource("units").parent / "docs" / "units.md").read_text("utf-8")
    table = page.partition("\n## All units\n")[2]
    listed = re.findall(rf"^\| (?:{'|'.join(ROLES)}) \| `(\w+)` \|", table, re.MULTILINE)
    assert len(UNITS) >= 30
    assert listed == list(UNITS)


def test_unknown_name_gets_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'RMSNorm'"):
        reference_unit("RMSnorm")


def test_part_has_no_host():
    with pytest.raises(TreeError, match="RotaryPositionalEmbeddings is a part of other units"):
        hosted("RotaryPositionalEmbeddings")
