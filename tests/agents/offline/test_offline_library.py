"""Every building block writes a unit that parses, can be re-read, is causal and learns."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from genesys.errors import GenesysError
from genesys.gau.compose import compose
from genesys.gau.load import load_block
from genesys.gau.model import GAM
from genesys.gau.tree import GAUTree
from genesys.gau.unit import parse_unit
from genesys_agents.offline.blocks.library import LIBRARY, validate
from genesys_agents.offline.cost import cost
from genesys_agents.offline.genotype import Gene, Role
from genesys_agents.offline.plan import read_gene, write

PLAIN = {
    Role.BLOCK: "sequential",
    Role.TOKEN: "short_conv",
    Role.CHANNEL: "plain_mlp",
    Role.NORM: "rms_norm",
}


def gene(name: str, pick: int = 0) -> Gene:
    """A block with the first or the last of all choices and plain blocks in its slots."""
    block = LIBRARY[name]
    params = {key: values[pick] for key, values in block.choices.items()}
    slots = {slot: gene(PLAIN[role]) for slot, role in block.slots.items()}
    return Gene(block=name, params=params, slots=slots)


def variants() -> list[Gene]:
    """For every block, genes that together take every value of every choice."""
    found = []
    for name, block in LIBRARY.items():
        base = gene(name)
        found.append(base)
        for key, values in block.choices.items():
            found += [base.set(key, value) for value in dict.fromkeys(values[1:])]
    return list({g.canonical(): g for g in found}.values())


def label(value: Gene) -> str:
    return f"{value.block}-{value.digest()}"


@pytest.mark.parametrize("part", variants(), ids=label)
def test_every_variant_works(part, assert_works) -> None:
    tree = write(part, {})
    assert not tree.placeholders()
    assert all(unit.tests and unit.docstring for unit in tree.units.values())
    assert_works(tree, 48, (1, 7, 37))


@pytest.mark.parametrize("width", [16, 64, 80, 112])
@pytest.mark.parametrize("name", list(LIBRARY))
def test_blocks_take_every_multiple_of_16(name, width) -> None:
    module = load_block(compose(write(gene(name, -1), {})))
    block = module.GAB(embed_dim=width, block_loc=(0, 1))
    X = torch.randn(3, 40, width)
    assert block(X)[0].isfinite().all()


@pytest.mark.parametrize("name", list(LIBRARY))
def test_blocks_run_in_half_precision_and_under_autocast(name) -> None:
    module = load_block(compose(write(gene(name, -1), {})))
    ids = torch.randint(0, 11, (2, 33))
    model = GAM(module.GAB, 32, 1, 11, dtype=torch.bfloat16)
    assert model(ids).isfinite().all()
    model = GAM(module.GAB, 32, 1, 11)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = model(ids).float().square().mean()
    loss.backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("name", list(LIBRARY))
def test_a_unit_can_be_read_back_as_its_gene(name) -> None:
    original = gene(name, -1)
    tree = write(original, {})
    assert read_gene(tree, tree.root, "parent") == original


@pytest.mark.parametrize("name", list(LIBRARY))
def test_the_stated_cost_is_the_number_of_parameters(name) -> None:
    part = gene(name, -1)
    block = load_block(compose(write(part, {}))).GAB(embed_dim=512, block_loc=(0, 1))
    count = sum(p.numel() for p in block.parameters()) / 512**2
    assert count == pytest.approx(cost(part), rel=0.08, abs=0.08)


def test_names_tell_parameters_apart() -> None:
    names = [write(part, {}).root for part in variants()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "note",
    [
        '{"block": "short_conv", "params": {"kernel": 1000, "double": false}, "slots": {}}',
        '{"block": "short_conv", "params": {"kernel": [3]}, "slots": {}}',
        '{"block": "short_conv", "params": {}, "slots": [1]}',
        '{"block": "shifted", "params": {"rank": 0}, "slots": {"inner": 7}}',
        '{"block": ["short_conv"]}',
        '{"block": "no_such_block"}',
        "[1, 2]",
        "[" * 100_000,
        "",
    ],
)
def test_a_note_that_fits_no_block_is_not_believed(note) -> None:
    tree = write(gene("short_conv"), {})
    lines = tree.units[tree.root].code.split("\n")
    unit = parse_unit("\n".join([lines[0], f"# genotype: {note}", *lines[2:]]))
    assert read_gene(GAUTree(unit.name, {unit.name: unit}), unit.name, "parent").opaque


def test_the_guide_names_every_block() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "offline-designer.md").read_text()
    assert [name for name in LIBRARY if f"`{name}`" not in guide] == []


@pytest.mark.parametrize(
    "wrong",
    [
        gene("short_conv").set("kernel", 1000),
        gene("short_conv").set("size", 3),
        gene("shifted").put(("inner",), gene("rms_norm")),
        Gene(block="sequential", params={"residual": "plain"}),
        Gene(block="no_such_block"),
    ],
    ids=["value", "parameter", "role", "slots", "block"],
)
def test_wrong_genes_are_refused(wrong) -> None:
    with pytest.raises(GenesysError):
        validate(wrong)
