"""The simulated agent: its designs are whole, new, and pass the real checkers."""

from __future__ import annotations

from random import Random

import pytest

from genesys.cli.config import compose
from genesys.errors import ConfigError, GenesysError
from genesys.evolution.seeds import load_seed
from genesys.gau.tree import GAUTree
from genesys.records import CheckReport, Found, Operator, SessionEnd
from genesys.registry import load
from genesys.sandbox import Sandbox
from genesys.session import AbandonedError, SessionContext
from genesys.tape import Tape
from genesys_agents.simulated.child import MOST, Plan, as_design, draw_plan, written
from genesys_agents.simulated.designer import SimulatedAgent

SEEDS = [load_seed(name) for name in ("gpt2", "retnet")]


def context(seed, parents=(), operator=Operator.SCRATCH, tape=None):
    return SessionContext(
        index=0,
        seed=seed,
        operator=operator,
        parents=tuple(parents),
        references=(),
        siblings=(),
        search=lambda query: Found(),
        check=lambda design: CheckReport(),
        is_new=lambda design: True,
        tape=tape or Tape(0),
    )


def session(agent, around):
    proposal = agent.propose(around)
    return agent.implement(around, proposal)


def generations(count, seed=0):
    """A line of designs, each a mutation of the one before or a crossover with a seed."""
    rng, line = Random(seed), [*SEEDS]
    for number in range(count):
        parents = line[-1:] if rng.random() < 0.7 else [line[-1], rng.choice(SEEDS)]
        operator = Operator.MUTATION if len(parents) == 1 else Operator.CROSSOVER
        plan = draw_plan(rng, operator, parents)
        units = written(plan, {p.name: p for p in parents})
        line.append(as_design(f"sim-{number}", units, parents))
    return line


def test_designs_are_whole_trees_over_many_generations():
    for design in generations(40):
        tree = GAUTree.of(design)
        assert not tree.placeholders()
        assert len(tree.children(tree.root)) <= MOST


def test_a_mutation_changes_one_part_and_keeps_the_others():
    parent = session(SimulatedAgent(unfinished=0.0), context(0))
    for seed in range(20):
        plan = draw_plan(Random(seed), Operator.MUTATION, [parent])
        child = as_design("child", written(plan, {parent.name: parent}), [parent])
        new = {u.name for u in child.units} - {u.name for u in parent.units}
        gone = {u.name for u in parent.units} - {u.name for u in child.units}
        assert len(new) == 1
        assert gone == ({plan.target} if plan.target else set())


def test_a_crossover_has_parts_of_its_parents_alone():
    agent = SimulatedAgent(unfinished=0.0)
    parents = [session(agent, context(seed)) for seed in range(2)]
    named = [p.model_copy(update={"name": name}) for p, name in zip(parents, "ab", strict=True)]
    child = session(agent, context(9, named, Operator.CROSSOVER))
    theirs = {unit.name for parent in named for unit in parent.units}
    assert {unit.name for unit in child.units} <= theirs


def test_a_session_follows_from_its_seed_alone():
    agent, other = SimulatedAgent(unfinished=0.0), SimulatedAgent(unfinished=0.0)
    around = context(7, SEEDS[:1], Operator.MUTATION)
    session(other, context(8))
    assert session(agent, around) == session(other, around)
    assert session(agent, around) != session(agent, context(8, SEEDS[:1], Operator.MUTATION))


def test_real_checkers_find_its_designs_valid():
    plugins = load(compose([]), ("checker",))
    with Sandbox() as sandbox:
        report = plugins.check(generations(3, seed=3)[-1], sandbox)
    assert report.valid, report.summary
    assert not report.repairs


def test_ratings_and_ends_are_as_published():
    agent = SimulatedAgent()
    around = [context(seed) for seed in range(600)]
    ratings = [agent.review(one).rating for one in around]
    assert sum(ratings) / len(ratings) == pytest.approx(4.22, abs=0.02)
    assert sum(rating < 4 for rating in ratings) / len(ratings) == pytest.approx(0.045, abs=0.02)
    ends = []
    for one in around:
        try:
            session(agent, one)
        except AbandonedError as abandoned:
            ends.append(abandoned.end)
    assert set(ends) == {SessionEnd.NOT_IMPLEMENTED}
    assert len(ends) / len(around) == pytest.approx(0.063, abs=0.02)


def test_costs_are_kept_on_the_tape_and_never_paid_twice():
    kept = []
    agent = SimulatedAgent(unfinished=0.0, usd=10.0)
    session(agent, context(1, tape=Tape(0, keep_call=kept.append)))
    assert [(call.role, call.model) for call in kept] == [
        ("proposer", "simulated"),
        ("coder", "simulated"),
    ]
    again = []
    session(agent, context(1, tape=Tape(0, calls=kept, keep_call=again.append)))
    assert again == []
    for seed in range(400):
        session(agent, context(seed, tape=Tape(0, keep_call=again.append)))
    assert sum(call.usd for call in again) / 400 == pytest.approx(10.0, rel=0.15)


@pytest.mark.parametrize("text", ["", '{"parts": []}', '{"parts": [{"unit": "A"}], "x": 1}'])
def test_plans_of_others_are_refused(text):
    with pytest.raises(GenesysError, match="Not a plan of the simulated agent"):
        Plan.read(text)


@pytest.mark.parametrize("part", [{"unit": "Gate12x4"}, {"unit": "MHA", "parent": "nobody"}])
def test_plans_with_parts_that_there_are_not_are_refused(part):
    plan = Plan.model_validate({"parts": [part]})
    with pytest.raises(GenesysError, match=r"no unit|none of the parents"):
        written(plan, {})


@pytest.mark.parametrize("wrong", [{"unfinished": -0.1}, {"usd": -1.0}, {"time_scale": -1.0}])
def test_values_out_of_bounds_are_named(wrong):
    with pytest.raises(ConfigError, match=rf"agent\.simulated\.{next(iter(wrong))} must be"):
        SimulatedAgent(**wrong)
