"""Quadrant selection: who is taken, how often, and when it starts anew."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import numpy as np
import pytest

from genesys.cli.config import compose
from genesys.errors import UnknownNameError
from genesys.population.population import Population
from genesys.records import Operator, Role
from genesys.registry import load
from genesys_selectors.expectation import best_first, expected_fitness
from genesys_selectors.operators import OperatorChoice
from genesys_selectors.quadrant import SEED_WEIGHTS, QuadrantSelector
from genesys_selectors.quadrants import Quadrant, Quadrants

from .people import DRAWS, FOUR, agree, draws, population, shares


def test_designers_take_confident_designs_and_verifiers_others() -> None:
    selector = QuadrantSelector(
        fitness_cutoff=0.5, confidence_cutoff=0.5, topk_noise=0, restart_anneal=0, restart=0
    )
    people = population(FOUR)
    chosen = shares(draws(selector, people, Role.DESIGNER, list(FOUR)))
    assert agree(chosen, {"gc": 0.85, "pc": 0.15})
    chosen = shares(draws(selector, people, Role.VERIFIER, list(FOUR)))
    assert agree(chosen, {"gu": 0.85, "pu": 0.15})


def test_an_empty_quadrant_gives_way_to_the_next() -> None:
    selector = QuadrantSelector(fitness_cutoff=0.5, confidence_cutoff=0.5, explore=0)
    for candidates, expected in ((["pu", "gc"], "pu"), (["gc", "pc"], "gc"), (["pc"], "pc")):
        chosen = shares(draws(selector, population(FOUR), Role.VERIFIER, candidates))
        assert chosen == {expected: 1.0}


def test_within_a_quadrant_the_rank_decides_but_for_noise() -> None:
    people = population({"a": [0.9], "b": [0.5], "c": [0.1]})
    free = {"fitness_cutoff": 1.0, "confidence_cutoff": 1.0, "restart_anneal": 0, "restart": 0.0}
    names = ["c", "b", "a"]
    plain = shares(draws(QuadrantSelector(topk_noise=0, **free), people, Role.DESIGNER, names))
    assert agree(plain, {"a": 3, "b": 2, "c": 1})
    noise = shares(draws(QuadrantSelector(topk_noise=1, **free), people, Role.DESIGNER, names))
    assert agree(noise, {"a": 1, "b": 1, "c": 1})


def test_restarts_fade_out_and_weigh_the_seeds() -> None:
    selector = QuadrantSelector()
    fading = [selector.restart_probability(session) for session in (0, 5, 10, 99)]
    assert fading == pytest.approx([1.0, 0.525, 0.05, 0.05])
    seed_names = ("gpt2", "mamba2", "retnet", "rwkv6", "ttt", "mine")
    seeds = {name: [0.1 + i / 100] for i, name in enumerate(seed_names)}
    people = population(seeds | {"child": [0.9, 0.9]}, seeds=6)
    names = [d.name for d in people.designs]
    chosen = shares(draws(selector, people, Role.DESIGNER, names))
    assert "child" not in chosen
    assert agree(chosen, SEED_WEIGHTS | {"mine": 0.15})
    later = population(seeds | {"child": [0.9, 0.9]}, seeds=6, sessions=50)
    mutated = [
        s for s in draws(selector, later, Role.DESIGNER, names) if s.operator is Operator.MUTATION
    ]
    # Of the good and confident, child and mine, the first is drawn twice as often.
    assert shares(mutated)["child"] == pytest.approx(0.95 * 0.85 * 2 / 3, abs=0.06)


def test_operators_follow_their_weights_after_the_warm_up() -> None:
    choice = OperatorChoice()

    def parts(session: int, candidates: int = 5) -> dict[Operator, float]:
        rng = Random(1)
        drawn = Counter(choice.draw(session, candidates, rng)[0] for _ in range(DRAWS))
        return {operator: count / DRAWS for operator, count in drawn.items()}

    assert parts(19) == {Operator.MUTATION: 1.0}
    assert parts(25).keys() == {Operator.MUTATION, Operator.CROSSOVER}
    assert parts(25, candidates=1) == {Operator.MUTATION: 1.0}
    assert parts(0, candidates=0) == {Operator.SCRATCH: 1.0}
    weights = {Operator.MUTATION: 0.75, Operator.CROSSOVER: 0.2, Operator.SCRATCH: 0.05}
    assert agree(parts(30), weights)


def test_quadrants_cut_at_the_upper_quartiles() -> None:
    cut = Quadrants.of(np.arange(8) / 8, np.array([2, 1, 1, 1, 1, 1, 1, 2]), 0.25, 0.25)
    parts = {q: cut.best_first(q, np.ones(8, bool)).tolist() for q in Quadrant}
    assert parts == {
        Quadrant.GOOD_CONFIDENT: [7],
        Quadrant.GOOD_UNCONFIDENT: [6],
        Quadrant.POOR_CONFIDENT: [0],
        Quadrant.POOR_UNCONFIDENT: [5, 4, 3, 2, 1],
    }
    some = np.arange(8) > 3
    assert cut.best_first(Quadrant.POOR_UNCONFIDENT, some).tolist() == [5, 4]
    none = Quadrants.of(np.empty(0), np.empty(0), 0.25, 0.25)
    assert not none.best_first(Quadrant.GOOD_CONFIDENT, np.empty(0, bool)).size


def test_quadrants_cut_at_the_medians() -> None:
    """As in algorithm 4: what is not below the median is good."""
    selector = load(compose(["selector=quadrant_median"]), kinds=["selector"])
    people = population({f"d{i}": [i / 10] for i in range(10)}, sessions=99)
    rng = Random(0)
    told = [selector.select(people, Role.DESIGNER, ["d4", "d5"], rng) for _ in range(200)]
    bred = [one for one in told if one and one.operator is Operator.MUTATION]
    assert {one.designs[0]: "good" in one.why for one in bred} == {"d4": False, "d5": True}


def test_an_unverified_design_is_expected_to_be_like_its_parents() -> None:
    people = population(
        {"a": [0.8], "b": [0.4], "ab": [], "abb": [], "lone": [], "lost": []},
        seeds=2,
        ab=["a", "b"],
        abb=["ab", "b"],
        lost=["never"],
    )
    assert expected_fitness(people).tolist() == pytest.approx([0.8, 0.4, 0.6, 0.5, 0.6, 0.6])
    assert expected_fitness(population({"a": []})).tolist() == [0.0]


def test_selection_goes_by_the_terms_of_the_run() -> None:
    people = population({"able": [0.9], "lean": [0.6]})
    sized = [
        report.model_copy(update={"parameters": 100, "flops": flops})
        for report, flops in zip(people.reports, (800, 200), strict=True)
    ]
    other = Population(people.designs, sized, weights={"accuracy": 1.0, "flops": 0.5})
    assert best_first(people, np.arange(2)).tolist() == [0, 1]
    assert best_first(other, np.arange(2)).tolist() == [1, 0]


def test_restarts_alone_breed_from_seeds_only() -> None:
    """What ``experiment=base`` rests on."""
    selector = QuadrantSelector(restart=1, restart_anneal=0, references=0)
    people = population({"s": [0.1], "t": [0.2], "child": [0.9]}, seeds=2, sessions=50)
    selections = draws(selector, people, Role.DESIGNER, ["s", "t", "child"])
    assert {name for one in selections for name in one.designs} == {"s", "t"}
    assert not any(one.references for one in selections)
    # With a seed left there is no crossover, and with none nothing but a new start.
    assert {one.operator for one in draws(selector, people, Role.DESIGNER, ["s", "child"])} == {
        Operator.MUTATION,
        Operator.SCRATCH,
    }
    assert {one.operator for one in draws(selector, people, Role.DESIGNER, ["child"])} == {
        Operator.SCRATCH
    }


def test_weights_are_for_seeds() -> None:
    people = population({"mine": [0.5]}, seeds=1)
    with pytest.raises(UnknownNameError, match=r"seed_weights.*'gpt3'.*'gpt2'"):
        QuadrantSelector(seed_weights={"gpt3": 1.0}).select(
            people, Role.DESIGNER, ["mine"], Random(0)
        )
    mine = QuadrantSelector(seed_weights={"mine": 1.0, "gpt2": 0.1})
    assert mine.select(people, Role.DESIGNER, ["mine"], Random(0)).designs == ["mine"]


@pytest.mark.parametrize(
    "wrong", [{"explore": 1.5}, {"fitness_cutoff": -0.1}, {"seed_weights": {"gpt2": 0}}]
)
def test_wrong_parameters_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        QuadrantSelector(**wrong)


def test_restarts_noise_and_operators_are_as_often_as_configured() -> None:
    """All at once, in the selections that a run gets (alg. 4, table 13)."""
    people = population(
        {"s": [0.1], "a": [0.9, 0.9], "b": [0.8, 0.8], "c": [0.7, 0.7]}, seeds=1, sessions=99
    )
    selector = QuadrantSelector(
        restart=0.3, topk_noise=0.5, explore=0, fitness_cutoff=0.75, confidence_cutoff=0.75
    )
    selections = draws(selector, people, Role.DESIGNER, ["s", "a", "b", "c"])
    operators = Counter(one.operator for one in selections)
    # With one seed, a restart has no crossover.
    weights = {Operator.MUTATION: 0.3 * 0.75 / 0.8 + 0.7 * 0.75, Operator.CROSSOVER: 0.7 * 0.2}
    weights[Operator.SCRATCH] = 1 - sum(weights.values())
    assert agree({o: n / DRAWS for o, n in operators.items()}, weights)
    again = Counter("restart" in one.why for one in selections if one.designs)
    restarts = 0.3 * 0.75 / 0.8
    bred = 0.7 * 0.95
    found = {name: n / again.total() for name, n in again.items()}
    assert agree(found, {True: restarts, False: bred})
    first = Counter(
        one.designs[0] for one in selections if one.designs and "restart" not in one.why
    )
    # Half by rank, 3 to 2 to 1, and half alike.
    expected = {"a": 1 / 4 + 1 / 6, "b": 1 / 6 + 1 / 6, "c": 1 / 12 + 1 / 6}
    assert agree({name: n / first.total() for name, n in first.items()}, expected)
