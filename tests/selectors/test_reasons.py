"""Selectors say why, and what they say is what they did."""

from __future__ import annotations

import re
from random import Random
from typing import Any

import pytest

from genesys.population.population import Population
from genesys.records import Operator, Role, Selection
from genesys_selectors.bandit import BanditSelector
from genesys_selectors.map_elites import MapElitesSelector
from genesys_selectors.operators import OperatorChoice
from genesys_selectors.pareto import ParetoSelector
from genesys_selectors.quadrant import QuadrantSelector
from genesys_selectors.random import RandomSelector
from genesys_selectors.surrogate import SurrogateSelector
from genesys_selectors.top_k import TopKSelector
from genesys_selectors.tournament import TournamentSelector

from .people import population

MUTATE: dict[str, Any] = {"crossover": 0.0, "scratch": 0.0}
TEN = {f"d{i}": [i / 10] for i in range(10)}


def why(selector: Any, people: Population, role: Role = Role.VERIFIER, seed: int = 0) -> Selection:
    picked = selector.select(people, role, [d.name for d in people.designs], Random(seed))
    assert isinstance(picked, Selection)
    return picked


def test_operators_and_their_probabilities() -> None:
    choice, rng = OperatorChoice(), Random(0)
    assert choice.draw(0, 5, rng) == (Operator.MUTATION, "mutation until the warm-up ends")
    assert choice.draw(9, 0, rng) == (Operator.SCRATCH, "nothing to breed from")
    told = dict(choice.draw(99, 5, rng) for _ in range(200))
    assert told == {
        Operator.MUTATION: "mutation has a probability of 0.75",
        Operator.CROSSOVER: "crossover has a probability of 0.2",
        Operator.SCRATCH: "scratch has a probability of 0.05",
    }


def test_a_restart_is_told_with_its_probability() -> None:
    picked = why(QuadrantSelector(), population({"gpt2": [0.5]}, seeds=1), Role.DESIGNER)
    assert picked.why == (
        "mutation until the warm-up ends; "
        "in a restart (probability 1) parents are seeds, drawn by weight"
    )


@pytest.mark.parametrize(
    ("role", "settings", "told"),
    [
        (Role.DESIGNER, {"explore": 0}, "the designer exploits: number N of 3 good & confident"),
        (Role.DESIGNER, {"explore": 1}, "the designer explores: number N of 7 poor & confident"),
        # All are verified at one scale, so nobody is unconfident.
        (Role.VERIFIER, {"explore": 0}, "the verifier exploits: number N of 3 good & confident"),
        (
            Role.VERIFIER,
            {"explore": 0, "topk_noise": 1},
            "the verifier exploits: number N of 3 good & confident by noise",
        ),
    ],
)
def test_quadrants_and_ranks(role: Role, settings: dict[str, Any], told: str) -> None:
    selector = QuadrantSelector(restart=0, restart_anneal=0, **MUTATE, **settings)
    picked = why(selector, population(TEN, sessions=99), role)
    assert re.sub(r"number \d+", "number N", picked.why).endswith(told)
    rank = int(re.findall(r"number (\d+)", picked.why)[0])
    first = 9 if "good" in told else 6
    assert picked.designs == [f"d{first + 1 - rank}"]


def test_each_of_the_others_has_its_reason() -> None:
    people = population(TEN)
    assert why(RandomSelector(), people).why == "drawn from 10 at random"
    best = why(TopKSelector(k=1, noise=0), people)
    assert (best.designs, best.why) == (["d9"], "number 1 of 10, one of the best 1")
    assert why(TopKSelector(noise=1), people).why.endswith("of 10, by noise")
    alone = why(TournamentSelector(size=1), people)
    assert alone.why == "fitter than nobody, of 10"
    assert re.fullmatch(
        r"fitter than (d\d, ){4}others, of 10", why(TournamentSelector(size=9), people).why
    )
    elite = why(MapElitesSelector(levels=1, noise=0), people)
    assert elite.why == "the fittest of 10 in cell none 1/1, of 1 cells (1.0 in effect)"
    assert elite.designs == ["d9"]
    front = why(ParetoSelector(objectives=["accuracy"]), people)
    on, against, rival = re.match(
        r"on front (\d+) against d(\d) on (\d+), of 10 fronts", front.why
    ).groups()  # type: ignore[union-attr]
    assert int(on) < int(rival) == 10 - int(against)
    assert re.fullmatch(
        r"foretold 0\.\d+ ± 0\.\d+, drew -?\d\.\d+, the most of 10",
        why(SurrogateSelector(), people).why,
    )
    bandit = BanditSelector(restart=0, restart_anneal=0, crossover_warmup=0)
    assert re.match(
        r"(mutation|crossover) drew 0\.\d\d: mean 0\.\d\d after 0 sessions; the designer exp",
        why(bandit, people, Role.DESIGNER).why,
    )
