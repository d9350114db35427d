"""The offline designer: classic genetic programming over units, with no LLM."""

from __future__ import annotations

from random import Random

from genesys.errors import ConfigError
from genesys.gau.tree import GAUTree
from genesys.markers import hookimpl
from genesys.records import CheckReport, Design, Proposal, Review
from genesys.session import SessionContext
from genesys_agents.offline.emit import unit_name
from genesys_agents.offline.genotype import Role
from genesys_agents.offline.judge import BEST, Remark, remarks, repeats
from genesys_agents.offline.literature import literature
from genesys_agents.offline.operators.draw import draw_plan, sound
from genesys_agents.offline.operators.mutation import redraw
from genesys_agents.offline.plan import Plan, Trees, build
from genesys_agents.offline.prose import design_name, propose
from genesys_agents.offline.roles import roles


class OfflineDesigner:
    """Draws, reviews and writes children. What it writes follows from the session's seed alone.

    Args:
        redraws: Most draws for one proposal until it is sound and new.
        attempts: Most checks of one design; before each further one, the unit that the checkers
            rejected is drawn anew.
        reference_units: Whether mutations draw reference units beside the library's blocks.

    Raises:
        ConfigError: A number below 1.
    """

    def __init__(self, redraws: int = 50, attempts: int = 2, reference_units: bool = False) -> None:
        for name, value in (("redraws", redraws), ("attempts", attempts)):
            if value < 1:
                raise ConfigError(f"{name} of the offline designer must be at least 1, got {value}")
        self._redraws, self._attempts = redraws, attempts
        self._reference_units = reference_units

    @hookimpl
    def propose(self, context: SessionContext) -> Proposal:
        """Commit to a genotype and describe it (alg. 1).

        Raises:
            GenesysError: No draw was sound and new.
        """
        rng = Random(f"{context.seed}/propose/{len(context.rejected)}")
        trees = _trees(context)
        refused = {proposal.name for proposal, _ in context.rejected}

        def is_new(plan: Plan, tree: GAUTree) -> bool:
            name = design_name(plan.gene, tree)
            return name not in refused and context.is_new(tree.as_design(name))

        plan = draw_plan(rng, context.operator, trees, is_new, self._redraws, self._reference_units)
        tree = build(plan, trees)
        proposal = propose(plan, context.operator, tree, trees, context.references)
        return proposal.model_copy(update={"references": literature(context, plan, tree)})

    @hookimpl
    def review(self, context: SessionContext, proposal: Proposal) -> Review:
        """Score by rules: weight, reach, order, norms, size, and likeness to siblings (alg. 1)."""
        plan = Plan.read(proposal.plan)
        found = remarks(plan, build(plan, _trees(context))) + repeats(plan, context.siblings)
        rating = max(0.0, BEST - sum(remark.points for remark in found))
        return Review(rating=rating, text=_critique(found, rating))

    @hookimpl
    def implement(self, context: SessionContext, proposal: Proposal) -> Design:
        """Write the proposal's units; draw anew what the checkers reject (alg. 3)."""
        plan, trees = Plan.read(proposal.plan), _trees(context)
        design = build(plan, trees).as_design(proposal.name)
        for attempt in range(1, self._attempts):
            report = context.check(design)
            if report.valid or not report.checked:
                break
            rng = Random(f"{context.seed}/repair/{attempt}")
            repaired = self._repair(rng, plan, trees, report, context)
            if repaired is None:
                break
            plan, design = repaired
        return design

    def _repair(
        self, rng: Random, plan: Plan, trees: Trees, report: CheckReport, context: SessionContext
    ) -> tuple[Plan, Design] | None:
        """Another draw for the rejected unit; None when none is sound and new.

        Parents' units, and what holds them, stay: without them it would be another idea.
        """
        role = roles(trees[plan.base])[plan.target] if plan.base else Role.BLOCK
        faulty = {issue.unit for issue in report.issues}
        own = _own_units(plan)
        paths = [path for path, name in own.items() if name in faulty] or list(own)
        for _ in range(self._redraws if paths else 0):
            gene = redraw(rng, plan.gene, rng.choice(paths), role)
            drawn = plan.model_copy(update={"gene": gene})
            if gene == plan.gene or faulty & set(_own_units(drawn).values()):
                continue
            tree = sound(drawn, trees)
            if tree is not None:
                design = tree.as_design(design_name(drawn.gene, tree))
                if context.is_new(design):
                    return drawn, design
        return None


def _trees(context: SessionContext) -> Trees:
    return {parent.name: GAUTree.of(parent) for parent in context.parents}


def _own_units(plan: Plan) -> dict[tuple[str, ...], str]:
    """Names of the plan's units that have no parent's unit below them, by path."""
    genes = [(p, g) for p, g in plan.gene.walk() if not any(part.opaque for _, part in g.walk())]
    return {path: unit_name(gene) for path, gene in genes}


def _critique(found: list[Remark], rating: float) -> str:
    lines = [f"- {remark.text} (-{remark.points:g})" for remark in found]
    listing = "\n".join(lines) or "- Nothing speaks against it."
    return f"Rated {rating:g}, starting from {BEST:g} for any sound plan:\n\n{listing}\n"
