"""The experiments of table 2 do what their names say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from genesys.cli.config import compose
from genesys.markers import hookimpl
from genesys.population.population import Population
from genesys.records import Design, Scale, Score, VerificationReport
from genesys.registry import load
from genesys_selectors.quadrant import QuadrantSelector
from genesys_selectors.random import RandomSelector

SELECTORS = {"quadrant": QuadrantSelector, "random": RandomSelector}
EXPERIMENTS = ("full", "no_experiment", "no_literature", "base", "base_with_memory")


class Scorer:
    """Scores designs by the number that they multiply by."""

    def __init__(self, score: Callable[[Design], float]) -> None:
        self._score = score

    @hookimpl
    def verify(self, design: Design, scale: Scale, seed: int) -> VerificationReport:
        scores = [Score(task="t", metric="acc", value=self._score(design))]
        return VerificationReport(
            design=design.name, scale=scale.name, seed=seed, scores=scores, seconds=1.0
        )


@pytest.fixture
def grow(fakes: ModuleType, seeds: list[str], tmp_path: Path) -> Callable[..., Population]:
    """A small run with the selector of an experiment."""

    def grown(experiment: str, sign: int = 1) -> Population:
        config = compose([f"experiment={experiment}"])["selector"]
        selector = SELECTORS[config.pop("name")](**config | {"scratch_warmup": 5})
        verifier = Scorer(lambda design: 0.5 + sign * fakes.number_of(design) / 3000)
        others = {"selector": selector, "verifier": verifier}
        folder = tmp_path / f"{experiment}{sign}"
        population: Population = fakes.run(folder, seeds, others=others, designs=14)
        return population

    return grown


def descent(population: Population) -> list[tuple[str, list[str]]]:
    return [(design.name, design.parents) for design in population.designs]


def references(population: Population) -> set[str]:
    return {name for session in population.sessions for name in session.selection.references}


def test_results_decide_over_the_tree_unless_they_are_kept_from_it(
    grow: Callable[..., Population],
) -> None:
    assert descent(grow("full")) != descent(grow("full", -1))
    assert descent(grow("no_experiment")) == descent(grow("no_experiment", -1))


def test_all_but_the_base_breed_from_what_they_found(grow: Callable[..., Population]) -> None:
    for experiment in ("full", "no_experiment"):
        population = grow(experiment, -1)
        children = {child.name for child in population.children}
        assert any(children & set(child.parents) for child in population.children), experiment
        assert references(population) & children


def test_the_base_breeds_from_seeds_and_shows_nothing_new(grow: Callable[..., Population]) -> None:
    population = grow("base")
    seeds = {seed.name for seed in population.seeds}
    bred = [child for child in population.children if child.parents]
    assert len(bred) > 5
    assert {name for child in bred for name in child.parents} == seeds
    assert not references(population)


def test_the_base_with_memory_shows_what_it_does_not_breed_from(
    grow: Callable[..., Population],
) -> None:
    population = grow("base_with_memory")
    seeds = {seed.name for seed in population.seeds}
    assert {name for child in population.children for name in child.parents} == seeds
    assert references(population) > seeds


@pytest.mark.parametrize(
    ("experiment", "knowledge", "literature", "siblings"),
    [
        ("full", {"memory", "library"}, True, True),
        ("no_experiment", {"memory", "library"}, True, True),
        ("no_literature", {"memory"}, False, True),
        ("base", {"library"}, True, False),
        ("base_with_memory", {"memory", "library"}, True, True),
    ],
)
def test_what_agents_are_told(
    experiment: str, knowledge: set[str], literature: bool, siblings: bool
) -> None:
    config = compose([f"experiment={experiment}"])
    assert (config["name"], config["agent"]["name"]) == (experiment, "team")
    assert set(config["knowledge"]) == knowledge
    assert config["agent"]["literature"] is literature
    assert bool(config["agent"]["siblings"]) is siblings


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_other_designers_and_verifiers_take_the_same_experiments(experiment: str) -> None:
    config: dict[str, Any] = compose([f"experiment={experiment}", "agent=offline"])
    team = compose([f"experiment={experiment}"])
    assert config["agent"] == compose([])["agent"]
    assert {**config, "agent": None} == {**team, "agent": None}
    load(config).require("select", "propose", "search")
