"""The hooks: what they promise, and that the seed alone decides."""

from __future__ import annotations

import os
import subprocess
import sys
from random import Random

import pytest
import yaml

from genesys.errors import ConfigError, GenesysError
from genesys.gau.reference import reference_unit
from genesys.gau.tree import GAUTree
from genesys.records import CheckReport, Issue, Operator
from genesys.resources import resource
from genesys_agents.offline.designer import OfflineDesigner
from genesys_agents.offline.plan import Plan

SESSIONS = """
from genesys.gau.folder import load_tree
from genesys.records import Found, Operator
from genesys.resources import resource
from genesys.session import SessionContext
from genesys_agents.offline.designer import OfflineDesigner

seeds = [load_tree(resource("seeds") / n).as_design(n) for n in ("gpt2", "mamba2", "rwkv6")]
agent = OfflineDesigner(attempts=1)
for operator, count in ((Operator.SCRATCH, 0), (Operator.MUTATION, 1), (Operator.CROSSOVER, 3)):
    for seed in range(2):
        context = SessionContext(
            index=0, seed=seed, operator=operator, parents=tuple(seeds[:count]), references=(),
            siblings=(), search=lambda q: Found(), check=lambda d: None, is_new=lambda d: True,
        )
        proposal = agent.propose(context)
        print(proposal.model_dump_json())
        print(agent.review(context, proposal).model_dump_json())
        print(agent.implement(context, proposal).model_dump_json())
"""


def run_python(code: str, hash_seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def test_the_seed_decides_byte_by_byte() -> None:
    first, second = (run_python(SESSIONS, hash_seed) for hash_seed in ("1", "2"))
    assert first == second
    assert len(set(first.splitlines())) >= 12  # reviews may agree


def test_it_is_light_to_import() -> None:
    code = "import sys, genesys_agents.offline.designer; print('torch' in sys.modules)"
    assert run_python(code, "0").strip() == "False"


def session(agent, context):
    proposal = agent.propose(context)
    return proposal, agent.review(context, proposal), agent.implement(context, proposal)


@pytest.mark.parametrize("operator", [Operator.SCRATCH, Operator.MUTATION, Operator.CROSSOVER])
def test_a_proposal_can_be_read(operator, seeds, context) -> None:
    count = {Operator.SCRATCH: 0, Operator.MUTATION: 1, Operator.CROSSOVER: 2}[operator]
    made = context(operator, seeds[:count], seed=3, references=seeds[3:])
    proposal, review, design = session(OfflineDesigner(), made)
    for heading in ("Motivation", "Mechanism", "Expected effect and cost", "Risks"):
        assert f"## {heading}\n" in proposal.text
    assert "{{" not in proposal.text and "None" not in proposal.text
    assert proposal.parents == [seed.name for seed in seeds[:count]]
    assert proposal.abstract.count("\n") == 0
    assert 0 <= review.rating <= 5 and f"{review.rating:g}" in review.text
    assert design.name == proposal.name and design.structural_hash
    assert bool(proposal.target) == (operator is Operator.MUTATION)
    # Every new unit is explained by its own docstring.
    for unit in GAUTree.of(design).units.values():
        if f"**{unit.name}.**" in proposal.text:
            assert unit.docstring.split("\n", maxsplit=1)[0] in proposal.text


def test_a_reference_unit_is_named_with_its_source(seeds, context) -> None:
    agent = OfflineDesigner(reference_units=True)
    sessions = (context(Operator.MUTATION, seeds[:1], seed=seed) for seed in range(20))
    made = next(m for m in sessions if Plan.read(agent.propose(m).plan).gene.published)
    proposal, review, design = session(agent, made)
    unit = reference_unit(str(Plan.read(proposal.plan).gene.params["unit"]))
    assert f"after {unit.source}" in proposal.text
    assert unit.summary in proposal.text
    assert unit.code in {u.code for u in design.units}
    assert review.rating > 0


def test_proposals_differ_from_what_exists(context) -> None:
    known: set[str] = set()
    agent = OfflineDesigner()
    for seed in range(12):
        made = context(
            Operator.SCRATCH, seed=seed % 3, is_new=lambda d: d.structural_hash not in known
        )
        design = session(agent, made)[2]
        assert design.structural_hash not in known
        known.add(design.structural_hash)


def test_a_rejected_proposal_is_not_made_again(seeds, context) -> None:
    agent, rejected = OfflineDesigner(), ()
    for _ in range(4):
        made = context(Operator.MUTATION, seeds[:1], seed=5, rejected=rejected)
        proposal = agent.propose(made)
        assert proposal.name not in {old.name for old, _ in rejected}
        rejected = (*rejected, (proposal, agent.review(made, proposal)))


def test_most_proposals_are_rated_four_or_more(seeds, context) -> None:
    agent, rng, ratings = OfflineDesigner(), Random(0), []
    for seed in range(20):
        made = context(Operator.SCRATCH if seed % 2 else Operator.MUTATION, (), seed=seed)
        if made.operator is Operator.MUTATION:
            made = context(Operator.MUTATION, [rng.choice(seeds)], seed=seed)
        ratings.append(agent.review(made, agent.propose(made)).rating)
    assert sum(rating >= 4 for rating in ratings) >= 14
    assert min(ratings) < max(ratings)


def test_a_sibling_proposed_twice_is_rated_low(seeds, context) -> None:
    agent = OfflineDesigner()
    made = context(Operator.MUTATION, seeds[:1], seed=2)
    proposal = agent.propose(made)
    again = context(Operator.MUTATION, seeds[:1], seed=2, siblings=(proposal,))
    assert agent.review(again, proposal).rating <= agent.review(made, proposal).rating - 3
    assert proposal.name in agent.review(again, proposal).text


def test_the_unit_that_checkers_reject_is_drawn_anew(context) -> None:
    made = context(Operator.SCRATCH, seed=1)
    proposal = OfflineDesigner(attempts=1).propose(made)
    first = OfflineDesigner(attempts=1).implement(made, proposal)
    faulty = first.units[-1].name

    def check(design):
        names = [unit.name for unit in design.units]
        issues = [Issue(check="forward", unit=faulty, message="fails")] if faulty in names else []
        return CheckReport(issues=issues)

    repaired = OfflineDesigner(attempts=2).implement(
        context(Operator.SCRATCH, seed=1, check=check), proposal
    )
    assert faulty not in [unit.name for unit in repaired.units]
    assert repaired.structural_hash != first.structural_hash
    # The macro composition above it stands, though under another name.
    assert repaired.root.rstrip("0123456789ABCDEF") == first.root.rstrip("0123456789ABCDEF")


def test_a_design_that_no_repair_helps_is_returned_all_the_same(context) -> None:
    def check(design):
        return CheckReport(issues=[Issue(check="forward", message="never good enough")])

    made = context(Operator.SCRATCH, seed=1, check=check)
    agent = OfflineDesigner(attempts=3)
    assert GAUTree.of(agent.implement(made, agent.propose(made)))


def test_a_plan_of_another_designer_is_refused(context) -> None:
    agent, made = OfflineDesigner(), context(Operator.SCRATCH)
    strange = agent.propose(made).model_copy(update={"plan": "write something good"})
    with pytest.raises(GenesysError, match="Not a plan of the offline designer"):
        agent.implement(made, strange)


def test_the_shipped_config_builds_it() -> None:
    config = yaml.safe_load((resource("configs") / "agent" / "offline.yaml").read_text())
    assert config.pop("name") == "offline"
    OfflineDesigner(**config)


@pytest.mark.parametrize("wrong", [{"redraws": 0}, {"attempts": -1}])
def test_wrong_numbers_are_refused(wrong) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        OfflineDesigner(**wrong)


def test_plans_survive_the_way_through_json(seeds, context) -> None:
    proposal = OfflineDesigner().propose(context(Operator.CROSSOVER, seeds[:2], seed=1))
    plan = Plan.read(proposal.plan)
    assert Plan.read(plan.model_dump_json()) == plan
