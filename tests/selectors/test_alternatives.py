"""The selectors beside the paper's: frequencies are those that their configs foretell."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from genesys.errors import UnknownNameError
from genesys.population.population import Population
from genesys.records import (
    Design,
    Efficiency,
    Operator,
    Role,
    Selection,
    Session,
    SessionEnd,
    Unit,
)
from genesys_selectors.bandit import BanditSelector
from genesys_selectors.behaviour import Cell, cells, kinds, mechanisms
from genesys_selectors.expectation import named, places
from genesys_selectors.fronts import crowding, fronts
from genesys_selectors.map_elites import MapElitesSelector
from genesys_selectors.pareto import ParetoSelector
from genesys_selectors.surrogate import SurrogateSelector, learnt, words
from genesys_selectors.top_k import TopKSelector
from genesys_selectors.tournament import TournamentSelector

from .people import DRAWS, agree, draws, population, shares

FIVE = {"a": [0.9], "b": [0.7], "c": [0.5], "d": [0.3], "e": [0.1]}


def coded(people: Population, **code: str) -> Population:
    """The population with a unit of this code in each design."""
    designs = [
        design.model_copy(update={"units": [Unit(name="A", code=code.get(design.name, ""))]})
        for design in people.designs
    ]
    return Population(designs, people.reports, people.sessions)


@pytest.mark.parametrize("role", list(Role))
def test_a_tournament_is_won_by_its_best(role: Role) -> None:
    found = shares(draws(TournamentSelector(size=2), population(FIVE), role, list(FIVE)))
    won = Counter(min(pair) for pair in combinations("abcde", 2))
    assert agree(found, {name: won[name] for name in "abcd"})


def test_the_old_do_not_breed_but_are_verified() -> None:
    selector = TournamentSelector(size=5, youngest=2)
    assert shares(draws(selector, population(FIVE), Role.DESIGNER, list(FIVE))) == {"d": 1.0}
    assert shares(draws(selector, population(FIVE), Role.VERIFIER, list(FIVE))) == {"a": 1.0}


def test_the_best_few_are_alike_but_for_noise() -> None:
    found = shares(draws(TopKSelector(k=2, noise=0.2), population(FIVE), Role.DESIGNER, [*FIVE]))
    # Noise takes any of the five.
    assert agree(found, {n: 0.04 + 0.8 * (0.5 if n in "ab" else 0) for n in "abcde"})


ATTENTION, CONVOLUTION = "y = softmax(x)", "y = conv1d(x)"


def test_every_kind_is_bred_from_by_its_fittest() -> None:
    people = coded(population(FIVE), a=ATTENTION, b=ATTENTION, c=ATTENTION, d=CONVOLUTION)
    selector = MapElitesSelector(levels=1, noise=0)
    found = shares(draws(selector, people, Role.DESIGNER, list(FIVE)))
    assert agree(found, {"a": 1, "d": 1, "e": 1})
    noisy = MapElitesSelector(levels=1, noise=1)
    found = shares(draws(noisy, people, Role.DESIGNER, list(FIVE)))
    assert agree(found, {"a": 1 / 9, "b": 1 / 9, "c": 1 / 9, "d": 1 / 3, "e": 1 / 3})


def test_parents_of_a_crossover_are_of_two_kinds() -> None:
    people = coded(population(FIVE), a=ATTENTION, b=ATTENTION, c=ATTENTION, d=CONVOLUTION)
    selector = MapElitesSelector(levels=1)
    for seed in range(50):
        pair = selector.pick(people, Role.DESIGNER, list("abcd"), 2, Random(seed))
        assert "d" in pair.designs


def test_a_kind_is_mechanisms_and_operations() -> None:
    people = coded(population(FIVE), a=ATTENTION, b=ATTENTION + CONVOLUTION, c=ATTENTION)
    assert mechanisms(people.design("b")) == {"attention", "convolution"}
    assert mechanisms(people.design("e")) == frozenset()
    flops = {"a": 200, "c": 900}
    reports = [
        r.model_copy(update={"parameters": 100, "flops": flops.get(r.design, 500)})
        for r in people.reports
    ]
    grid = grid_of(Population(people.designs, reports), list("abcde"), levels=2)
    none = frozenset[str]()
    assert grid == {
        (frozenset({"attention"}), 1): ["a"],
        (frozenset({"attention", "convolution"}), 0): ["b"],
        (frozenset({"attention"}), 0): ["c"],
        (none, 0): ["d", "e"],
    }


def grid_of(people: Population, names: list[str], levels: int) -> dict[Cell, list[str]]:
    grid = cells(people, places(people, names), levels)
    return {cell: named(people, part) for cell, part in grid.items()}


def test_kinds_in_effect_by_hand() -> None:
    assert kinds([3, 3, 3, 3]) == pytest.approx(4)
    assert kinds([1, 0]) == pytest.approx(1)
    assert kinds([2, 1]) == pytest.approx(3 / 2 ** (2 / 3))
    assert kinds([]) == 0


def test_map_elites_keeps_more_kinds_than_the_best_few() -> None:
    """Where one kind is fitter than all others, a greedy run forgets them."""
    kept, common = {}, {}
    for selector in (MapElitesSelector(levels=1), TopKSelector(k=3, noise=0)):
        rng = Random(0)
        five = [ATTENTION, CONVOLUTION, "cumsum", "rfft", "x.topk(2)"]
        fitness, code = {}, {}
        for i, kind in enumerate(five * 4):
            fitness[f"d{i}"], code[f"d{i}"] = [0.9 if kind is ATTENTION else 0.5], kind
        for child in range(60):
            people = coded(population(fitness), **code)
            [parent] = selector.pick(people, Role.DESIGNER, list(fitness), 1, rng).designs
            name = f"child{child}"
            fitness[name], code[name] = [fitness[parent][0] + rng.gauss(0, 0.01)], code[parent]
        bred = [name for name in fitness if name.startswith("child")]
        grid = grid_of(coded(population(fitness), **code), bred, 1)
        kept[type(selector)] = len(grid)
        common[type(selector)] = kinds([len(part) for part in grid.values()])
    assert kept == {MapElitesSelector: 5, TopKSelector: 1}
    assert common[MapElitesSelector] > 4.5


@given(arrays(float, st.tuples(st.integers(1, 12), st.integers(1, 3)), elements=st.floats(0, 3)))
def test_fronts_by_definition(values: np.ndarray) -> None:
    found = fronts(values)

    def beats(i: int, j: int) -> bool:
        return bool((values[i] >= values[j]).all() and (values[i] > values[j]).any())

    for j, front in enumerate(found):
        better = [i for i in range(len(values)) if beats(i, j)]
        assert front == max((found[i] + 1 for i in better), default=0)


def test_crowding_by_hand() -> None:
    found = crowding(np.array([[0.0, 4.0], [1.0, 2.0], [4.0, 0.0]]))
    assert found.tolist() == [np.inf, pytest.approx(2.0), np.inf]
    assert np.isinf(crowding(np.zeros((2, 2)))).any()


def efficient(people: Population, **tokens_per_second: float) -> Population:
    """The population with speeds beside a reference of 100 tokens per second."""

    def measured(name: str, speed: float) -> Efficiency:
        return Efficiency(
            design=name,
            length=64,
            rows=1,
            train_tokens_per_second=speed,
            train_memory_mb=1,
            prefill_tokens_per_second=speed,
            prefill_memory_mb=1,
            prefill_bytes_per_token=1,
        )

    reports = [
        r.model_copy(
            update={
                "efficiency": [
                    measured("gpt", 100.0),
                    measured(r.design, tokens_per_second[r.design]),
                ]
            }
        )
        for r in people.reports
    ]
    return Population(people.designs, reports)


def test_what_nobody_beats_in_everything_wins() -> None:
    people = efficient(population(FIVE), a=100, b=150, c=140, d=120, e=200)
    selector = ParetoSelector(objectives=["accuracy", "speed"])
    found = shares(draws(selector, people, Role.DESIGNER, list(FIVE)))
    # Fronts: a, b, e; then c; then d. The ends a and e are lonelier than b.
    assert agree(found, {"a": 3.5 / 10, "b": 2 / 10, "c": 1 / 10, "e": 3.5 / 10})
    with pytest.raises(UnknownNameError, match="accuracy"):
        ParetoSelector(objectives=["acuracy"])


def held(operator: Operator, parents: list[str], child: str, index: int) -> Session:
    end = SessionEnd.ACCEPTED if child else SessionEnd.NOT_IMPLEMENTED
    selection = Selection(operator=operator, designs=parents)
    return Session(index=index, seed=0, selection=selection, end=end, design=child)


def test_a_bandit_learns_what_works() -> None:
    fitness = {"a": [0.5], "b": [0.5], "good": [0.9], "bad": [0.1], "open": []}
    people = population(fitness)
    selector = BanditSelector(crossover_warmup=0, scratch_warmup=0, prior=5)

    def drawn(sessions: list[Session]) -> dict[str, float]:
        other = Population(people.designs, people.reports, sessions)
        found = Counter(selector.operator(other, 3, Random(seed))[0] for seed in range(DRAWS))
        return {operator: n / DRAWS for operator, n in found.items()}

    before = drawn([])
    assert before[Operator.MUTATION] > 0.7
    luck = [held(Operator.CROSSOVER, ["a", "b"], "good", i) for i in range(40)]
    loss = [held(Operator.MUTATION, ["a"], name, i) for i, name in enumerate(["bad", ""] * 20)]
    after = drawn(luck + loss)
    assert after[Operator.CROSSOVER] > 0.95
    # What is not verified yet says nothing.
    assert drawn([held(Operator.MUTATION, ["a"], "open", i) for i in range(40)]) == before
    forgetful = BanditSelector(crossover_warmup=0, scratch_warmup=0, prior=5, memory=1)
    again = Population(people.designs, people.reports, luck + loss)
    found = Counter(forgetful.operator(again, 3, Random(seed))[0] for seed in range(DRAWS))
    assert found[Operator.MUTATION] > DRAWS / 2


def test_a_surrogate_ranks_what_is_not_verified() -> None:
    rng = Random(0)
    fitness: dict[str, list[float]] = {}
    designs = []
    for i in range(60):
        good = i % 2 == 0
        name = f"d{i}"
        names = ["Good" if good else "Bad", rng.choice("XYZ")]
        fitness[name] = [(0.8 if good else 0.4) + rng.gauss(0, 0.02)] if i < 40 else []
        units = [Unit(name=unit, code="") for unit in names]
        designs.append(Design(name=name, root=names[0], units=units, operator=Operator.MUTATION))
    people = Population(designs, population(fitness).reports)
    mean, deviation = learnt(people, np.arange(40)).foretell(words(people)[40:])
    assert min(mean[::2]) > max(mean[1::2])
    assert (deviation > 0).all()
    names = [design.name for design in designs[40:]]
    found = shares(draws_few(SurrogateSelector(doubt=0.5), people, names))
    assert sum(share for name, share in found.items() if int(name[1:]) % 2 == 0) > 0.9


def draws_few(selector: SurrogateSelector, people: Population, names: list[str]) -> list[Selection]:
    return [selector.select(people, Role.VERIFIER, names, Random(seed)) for seed in range(40)]
