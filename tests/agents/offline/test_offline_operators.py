"""Mutation, crossover and scratch give whole, new trees, generation after generation."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesys.errors import GenesysError
from genesys.gau.folder import load_tree
from genesys.gau.reference import reference_units
from genesys.gau.structure import structural_hash
from genesys.gau.tree import GAUTree
from genesys.gau.unit import parse_unit
from genesys.records import Operator
from genesys.resources import resource
from genesys_agents.offline.cost import HEAVIEST, LIGHTEST, weigh
from genesys_agents.offline.genotype import Gene, Role, reference_gene, unit_gene
from genesys_agents.offline.operators import scratch
from genesys_agents.offline.operators.draw import draw_plan, sound
from genesys_agents.offline.plan import Plan, build
from genesys_agents.offline.roles import fits, roles

SEEDS = ("gpt2", "mamba2", "retnet", "rwkv6", "ttt")
NUMBERS = st.integers(0, 2**32)


def trees(*names: str) -> dict[str, GAUTree]:
    return {name: load_tree(resource("seeds") / name) for name in names}


def draw(rng: Random, operator: Operator, parents: dict[str, GAUTree]) -> tuple[Plan, GAUTree]:
    known = {structural_hash(tree) for tree in parents.values()}
    plan = draw_plan(rng, operator, parents, lambda p, t: structural_hash(t) not in known, 50)
    return plan, build(plan, parents)


def is_whole(tree: GAUTree) -> bool:
    return not tree.placeholders() and LIGHTEST <= weigh(tree) <= HEAVIEST


@settings(max_examples=15)
@given(number=NUMBERS)
def test_scratch_composes_whole_blocks(number) -> None:
    plan, tree = draw(Random(number), Operator.SCRATCH, {})
    assert is_whole(tree) and not plan.base
    assert not any(gene.opaque for _, gene in plan.gene.walk())


@pytest.mark.parametrize("seed", SEEDS)
@settings(max_examples=4)
@given(number=NUMBERS)
def test_mutation_leaves_all_other_units_alone(seed, number) -> None:
    parents = trees(seed)
    plan, child = draw(Random(number), Operator.MUTATION, parents)
    parent = parents[seed]
    above = set(parent.parents(plan.target))
    kept = set(child.units) & set(parent.units) - above
    assert is_whole(child)
    assert all(child.units[name] == parent.units[name] for name in kept)
    # Callers differ by nothing but the name of the child they call.
    for name in above & set(child.units):
        lines = zip(
            parent.units[name].code.split("\n"), child.units[name].code.split("\n"), strict=True
        )
        assert all(plan.target in old for old, new in lines if old != new)


@settings(max_examples=8)
@given(number=NUMBERS, pair=st.permutations(SEEDS).map(lambda names: names[:2]))
def test_crossover_uses_parts_of_both_parents(number, pair) -> None:
    parents = trees(*pair)
    plan, child = draw(Random(number), Operator.CROSSOVER, parents)
    origins = {gene.params["design"] for _, gene in plan.gene.walk() if gene.opaque}
    if plan.target != parents[plan.base].root:
        origins.add(plan.base)
    assert is_whole(child)
    assert origins == set(pair)


@settings(max_examples=3)
@given(number=NUMBERS)
def test_lineages_go_on_for_generations(number) -> None:
    rng, population = Random(number), trees("gpt2", "retnet", "rwkv6")
    for generation in range(8):
        operator = (Operator.CROSSOVER, Operator.MUTATION)[generation % 2]
        count = 1 if operator is Operator.MUTATION else rng.choice((2, 3))
        # The youngest is always a parent: mutants of mutants, crosses of crosses.
        names = [*rng.sample(sorted(population)[:-1], count - 1), sorted(population)[-1]]
        _, child = draw(rng, operator, {name: population[name] for name in names})
        assert is_whole(child)
        population[f"z{generation}"] = child


def test_the_library_says_what_the_seeds_do_not() -> None:
    drawn = [scratch.draw(Random(number)).gene for number in range(200)]
    blocks = {part.block for gene in drawn for _, part in gene.walk()}
    beyond = {
        "dilated_conv",
        "window_means",
        "moving_average",
        "gated_recurrence",
        "hybrid",
        "shifted",
        "low_rank_mlp",
        "mixture_mlp",
        "tanh_norm",
        "sandwich",
        "parallel",
    }
    assert beyond <= blocks


def test_mutation_draws_reference_units_when_asked() -> None:
    parents, known = trees("gpt2"), reference_units()
    plans = [
        draw_plan(Random(number), Operator.MUTATION, parents, lambda plan, tree: True, 50, True)
        for number in range(12)
    ]
    drawn = [plan for plan in plans if plan.gene.published]
    assert 0 < len(drawn) < len(plans)
    for plan in drawn:
        unit = known[str(plan.gene.params["unit"])]
        assert unit.role == roles(parents["gpt2"])[plan.target].value
        assert unit.code in {u.code for u in build(plan, parents).units.values()}
        assert plan.move.endswith(f"{unit.name} in its place, after {unit.source}")
        assert Plan.read(plan.model_dump_json()) == plan


def test_reference_units_that_are_gone_are_refused() -> None:
    gone = Plan(base="gpt2", target="MHA", gene=reference_gene("NoSuchUnit"), move="a move")
    with pytest.raises(GenesysError, match="No reference unit named 'NoSuchUnit'"):
        Plan.read(gone.model_dump_json())


def test_draws_that_are_never_new_end_with_a_clear_error() -> None:
    with pytest.raises(GenesysError, match="No sound and new design by mutation from gpt2 in 3"):
        draw_plan(Random(0), Operator.MUTATION, trees("gpt2"), lambda plan, tree: False, 3)


def test_roles_of_seeds() -> None:
    assert roles(trees("gpt2")["gpt2"]) == {
        "GPT2": Role.BLOCK,
        "RMSNorm": Role.NORM,
        "MHA": Role.TOKEN,
        "GatedMLP": Role.CHANNEL,
    }
    # Units that are handed more than X cannot be exchanged.
    assert not {"DDLerpLinear", "LoRA"} & roles(trees("rwkv6")["rwkv6"]).keys()


def test_a_unit_that_lacks_what_callers_reach_for_does_not_fit() -> None:
    tree = trees("gpt2")["gpt2"]
    mha, mlp = tree.subtree("MHA"), tree.subtree("GatedMLP")
    code = tree.units["GPT2"].code.replace("test_gpt2", "test", 1)
    reaching = code.replace("    for child in", "    block.mha.qkv\n    for child in")
    assert reaching != code
    pinned = GAUTree("GPT2", {**tree.units, "GPT2": parse_unit(reaching)})
    assert fits(pinned, "MHA", mha)
    assert not fits(pinned, "MHA", mlp)
    assert fits(tree, "MHA", mlp)


def test_no_parents_unit_works_at_half_the_width() -> None:
    parents = trees("gpt2")
    taken = unit_gene("gpt2", "MHA")
    gene = Gene(block="hybrid", params={"blend": "split"}, slots={"first": taken, "second": taken})
    plan = Plan(base="gpt2", target="MHA", gene=gene, move="two halves")
    assert sound(plan, parents) is None
    whole = plan.model_copy(update={"gene": gene.set("blend", "sum")})
    assert sound(whole, parents) is not None
