"""The idea of a proposal: a plan of the offline designer, which travels in the proposal's text."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, ValidationError

from genesys.gau.tree import GAUTree
from genesys.records import Operator
from genesys_agents.offline.judge import remarks
from genesys_agents.offline.operators.draw import draw_plan
from genesys_agents.offline.plan import Plan, build
from genesys_agents.offline.prose import design_name
from genesys_agents.offline.prose import propose as describe
from genesys_agents.testing.asked import Asked

DRAWS = 300
CITED = 3

_FENCED = re.compile(r"^```plan\n(.*?)\n```$", re.MULTILINE | re.DOTALL)


class Doubt(BaseModel):
    """What speaks against an idea, and how many points of a rating it costs."""

    model_config = ConfigDict(frozen=True)

    text: str
    points: float


class Idea(BaseModel):
    """A plan, and what its author doubts about it."""

    model_config = ConfigDict(frozen=True)

    plan: Plan
    doubts: list[Doubt] = []

    @classmethod
    def of(cls, text: str) -> Idea | None:
        """The first idea that a text holds; None for none."""
        for found in _FENCED.finditer(text):
            try:
                return cls.model_validate_json(found[1])
            except ValidationError:
                continue
        return None

    def fenced(self) -> str:
        """The idea as a fenced block of a proposal."""
        return f"```plan\n{self.model_dump_json()}\n```"


def conceive(asked: Asked, seed: int) -> tuple[dict[str, str], str]:
    """A proposal: its title form, and its text.

    Args:
        asked: Of the proposer.
        seed: Of the double.

    Raises:
        GenesysError: No draw fits what is asked.
    """
    trees, known = asked.parents, "\n".join(asked.said)

    def fits(plan: Plan, tree: GAUTree) -> bool:
        if asked.operator is Operator.MUTATION and plan.target not in asked.targets:
            return False
        if asked.operator is Operator.CROSSOVER and not _crosses(tree, trees):
            return False
        return design_name(plan.gene, tree) not in known

    plan = draw_plan(asked.random(seed), asked.operator, trees, fits, DRAWS)
    tree = build(plan, trees)
    proposal = describe(plan, asked.operator, tree, trees, ())
    doubts = [Doubt(text=doubt.text, points=doubt.points) for doubt in remarks(plan, tree)]
    form = {"name": proposal.name, "abstract": proposal.abstract}
    if asked.operator is Operator.MUTATION:
        form["target"] = plan.target
    idea = Idea(plan=plan, doubts=doubts)
    text = f"{proposal.text}\n## Implementation\n\n{idea.fenced()}\n"
    listing = "".join(f"\n- [{name}]" for name in asked.found[:CITED])
    return form, f"{text}\n## References\n{listing}\n" if listing else text


def _crosses(tree: GAUTree, parents: Mapping[str, GAUTree]) -> bool:
    """Whether units of two parents are in it as they were."""
    codes = {unit.code for unit in tree.units.values()}
    used = [p for p in parents.values() if codes & {unit.code for unit in p.units.values()}]
    return len(used) >= min(2, len(parents))
