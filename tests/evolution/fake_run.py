"""A small run with plugins that are quick and pure.

Everything else is real: the loop, the tree on disk, the selectors, the boundary of the hooks. The
plugins decide by hashes of what they are given, so that all ways of a session or a verification
to end occur.
"""

from __future__ import annotations

import time
from random import Random

from genesys.evolution.coordinator import Coordinator
from genesys.evolution.executors.base import Outfit
from genesys.evolution.executors.inline import InlineExecutor
from genesys.evolution.ladder import Ladder
from genesys.evolution.settings import EvolutionSettings, derive_seed
from genesys.gau.folder import save_tree
from genesys.gau.tree import GAUTree
from genesys.gau.unit import parse_unit
from genesys.markers import hookimpl
from genesys.plugins import Plugins
from genesys.population.evolution_tree import EvolutionTree
from genesys.records import (
    CheckReport,
    CheckResult,
    CurvePoint,
    Issue,
    Outcome,
    Proposal,
    Query,
    Review,
    Scale,
    Score,
    VerificationReport,
)
from genesys_knowledge.memory import MemoryKnowledge
from genesys_selectors.quadrant import QuadrantSelector

UNIT = '''# GAU_IMPLEMENTATION_FILE
import torch

from genesys.gau import GAUBase, UnitDecl, gau_test


class Times(GAUBase):
    """Multiplies by {number}."""

    def _forward(self, X, **Z):
        return X * {number}


@gau_test
def test_times(device=None, dtype=None):
    pass


CHILDREN_DECLARATIONS = []
'''
SCALES = [
    Scale(name=f"s{i}", n_block=1, d_model=16, tokens=100, learning_rate=1e-3, trials=trials)
    for i, trials in enumerate([16, 5, 0])
]


def block(number):
    return GAUTree("Times", {"Times": parse_unit(UNIT.format(number=number))})


def number_of(design):
    return int(design.units[0].code.split("X * ")[1].split("\n")[0])


def write_seeds(folder):
    """Two seed folders; their paths."""
    for number in (1001, 1002):
        save_tree(block(number), folder / f"seed{number}", name=f"seed{number}")
    return [str(folder / f"seed{number}") for number in (1001, 1002)]


class Agent:
    """Draws a number: 4 draws in 30 are rejected, one in 30 crashes."""

    @hookimpl
    def propose(self, context):
        context.search(Query(description="multiplies"))
        number = Random(derive_seed(context.seed, len(context.rejected))).randrange(30)
        if number == 0:
            raise RuntimeError("this agent fails at zero")
        return Proposal(
            name=f"times{number}",
            abstract=f"Multiply by {number}.",
            text=f"The parents are {[p.name for p in context.parents]}.",
            operator=context.operator,
            parents=[p.name for p in context.parents],
            plan=str(number),
        )

    @hookimpl
    def review(self, proposal):
        return Review(rating=2 if int(proposal.plan) > 27 else 5, text="Seen.")

    @hookimpl
    def implement(self, context, proposal):
        draft = block(int(proposal.plan)).as_design(proposal.name)
        context.check(draft)
        return draft


class Checker:
    @hookimpl
    def check(self, design):
        bad = number_of(design) % 10 == 7
        issues = [Issue(check="forward", unit="Times", line=10, message="seven")] if bad else []
        return CheckReport(
            results=[CheckResult(check="forward", passed=not bad, seconds=time.time())],
            issues=issues,
        )


class Verifier:
    @hookimpl
    def verify(self, design, scale, seed, progress):
        progress(CurvePoint(step=1, tokens=10, loss=2.0, grad_norm=1.0))
        if number_of(design) % 10 == 3:
            return VerificationReport(
                design=design.name, scale=scale.name, outcome=Outcome.DESIGN_ERROR, error="three"
            )
        value = derive_seed(seed, scale.name, number_of(design)) / 2**32
        return VerificationReport(
            design=design.name,
            scale=scale.name,
            seed=seed,
            scores=[Score(task="t", metric="acc", value=value)],
            curve=[CurvePoint(step=1, tokens=10, loss=1.5, grad_norm=1.0)],
            seconds=time.time(),
        )


def plugins(**others):
    """Plugins of the run; ``others`` replace them by their kind."""
    instances = {
        "selector": QuadrantSelector(crossover_warmup=2, scratch_warmup=3),
        "agent": Agent(),
        "checker": Checker(),
        "verifier": Verifier(),
        "knowledge": MemoryKnowledge(),
    } | others
    return Plugins({f"{kind}.fake": instance for kind, instance in instances.items()})


def settings(seeds, **changes):
    values = {"seed": 7, "seeds": seeds, "designs": 8, "max_sessions": 40}
    return EvolutionSettings.of(values | changes)


def run(
    folder,
    seeds,
    observe=lambda event: None,
    scales=SCALES,
    others=None,
    generations=1,
    executor=None,
    **changes,
):
    """Run, or go on, in a folder; the population in the end."""
    chosen = settings(seeds, **changes)
    parts = plugins(**(others or {}))
    executor = executor or InlineExecutor()
    outfit = Outfit({}, folder, observe, lambda *about: None, parts, None, chosen)
    with (
        EvolutionTree(folder, {"evolution": chosen.model_dump()}) as tree,
        executor.open(outfit),
    ):
        ladder = Ladder(scales)
        return Coordinator(tree, parts, ladder, None, chosen, executor, observe).run(generations)
