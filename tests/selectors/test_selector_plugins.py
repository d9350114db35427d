"""What both selectors owe the loop, and how they differ."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from genesys.population.population import Population
from genesys.records import (
    Design,
    Operator,
    Role,
    Score,
    Selection,
    Session,
    SessionEnd,
    VerificationReport,
)
from genesys.registry import load
from genesys.resources import resource
from genesys_selectors.operators import OperatorChoice
from genesys_selectors.quadrant import QuadrantSelector
from genesys_selectors.quadrants import Quadrant, expected_fitness, quadrants
from genesys_selectors.random import RandomSelector

SELECTORS = {"quadrant": QuadrantSelector, "random": RandomSelector}
DRAWS = 2000


def population(
    fitness: dict[str, list[float]], seeds: int = 0, sessions: int = 0, **parents: list[str]
) -> Population:
    """Designs with an accuracy per verified scale; the first ``seeds`` are seeds."""
    designs = [
        Design(
            name=name,
            root="A",
            units=[],
            operator=Operator.SEED if index < seeds else Operator.MUTATION,
            parents=parents.get(name, []),
            index=index,
        )
        for index, name in enumerate(fitness)
    ]
    reports = [
        VerificationReport(
            design=name, scale=f"s{i}", scores=[Score(task="t", metric="acc", value=value)]
        )
        for name, values in fitness.items()
        for i, value in enumerate(values)
    ]
    started = Selection(operator=Operator.SCRATCH, designs=[])
    held = [
        Session(index=i, seed=i, selection=started, end=SessionEnd.NOT_NEW) for i in range(sessions)
    ]
    return Population(designs, reports, held)


# Cut at the upper half, one design lies in each quadrant.
FOUR = {"gc": [0.9, 0.9], "gu": [0.8], "pc": [0.2, 0.2], "pu": [0.1]}


def draws(selector: Any, people: Population, role: Role, names: list[str]) -> list[Selection]:
    return [selector.select(people, role, names, Random(seed)) for seed in range(DRAWS)]


def shares(selections: list[Selection]) -> dict[str, float]:
    counts = Counter(name for selection in selections for name in selection.designs)
    return {name: count / len(selections) for name, count in counts.items()}


@given(
    st.sampled_from(sorted(SELECTORS)),
    st.sampled_from(Role),
    st.lists(st.lists(st.floats(0, 1), max_size=3), max_size=8),
    st.data(),
)
@settings(max_examples=100, deadline=None)
def test_only_candidates_and_always_the_same(
    kind: str, role: Role, values: list[list[float]], data: st.DataObject
) -> None:
    people = population(
        {f"d{i}": v for i, v in enumerate(values)},
        seeds=data.draw(st.integers(0, 8)),
        sessions=data.draw(st.sampled_from([0, 5, 40])),
    )
    names = [d.name for d in people.designs]
    candidates = [name for name in names if data.draw(st.booleans())]
    seed = data.draw(st.integers(0, 100))
    picked = SELECTORS[kind]().select(people, role, candidates, Random(seed))
    assert picked == SELECTORS[kind]().select(people, role, candidates, Random(seed))
    if role is Role.VERIFIER:
        assert (picked is None) == (not candidates)
    if picked is None:
        return
    count = {Operator.MUTATION: 1, Operator.CROSSOVER: 2, Operator.SCRATCH: 0, Operator.SEED: 1}
    assert len(set(picked.designs)) == len(picked.designs) == count[picked.operator]
    assert (picked.operator is Operator.SEED) == (role is Role.VERIFIER)
    assert set(picked.designs + picked.references) <= set(candidates)
    assert not set(picked.designs) & set(picked.references)


@pytest.mark.parametrize("kind", sorted(SELECTORS))
def test_the_shipped_config_builds_it_with_its_defaults(kind: str) -> None:
    config = yaml.safe_load((resource("configs") / "selector" / f"{kind}.yaml").read_text())
    load({"selector": config}, kinds=["selector"]).require("select")
    parameters = {key: value for key, value in config.items() if key != "name"}
    assert vars(SELECTORS[kind](**parameters)) == vars(SELECTORS[kind]())


def test_designers_take_confident_designs_and_verifiers_others() -> None:
    selector = QuadrantSelector(
        fitness_cutoff=0.5, confidence_cutoff=0.5, topk_noise=0, restart_anneal=0, restart=0
    )
    people = population(FOUR)
    chosen = shares(draws(selector, people, Role.DESIGNER, list(FOUR)))
    assert chosen.keys() == {"gc", "pc"}
    assert chosen["pc"] == pytest.approx(0.15, abs=0.03)
    chosen = shares(draws(selector, people, Role.VERIFIER, list(FOUR)))
    assert chosen.keys() == {"gu", "pu"}
    assert chosen["pu"] == pytest.approx(0.15, abs=0.03)


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
    assert [plain[n] for n in "abc"] == pytest.approx([3 / 6, 2 / 6, 1 / 6], abs=0.04)
    noise = shares(draws(QuadrantSelector(topk_noise=1, **free), people, Role.DESIGNER, names))
    assert [noise[n] for n in "abc"] == pytest.approx([1 / 3] * 3, abs=0.04)


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
    assert chosen["gpt2"] / chosen["ttt"] == pytest.approx(2, rel=0.25)
    assert chosen["mine"] == pytest.approx(0.15 / 1.15, abs=0.03)
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
        drawn = Counter(choice.draw(session, candidates, rng) for _ in range(DRAWS))
        return {operator: count / DRAWS for operator, count in drawn.items()}

    assert parts(19) == {Operator.MUTATION: 1.0}
    assert parts(25).keys() == {Operator.MUTATION, Operator.CROSSOVER}
    assert parts(25, candidates=1) == {Operator.MUTATION: 1.0}
    assert parts(0, candidates=0) == {Operator.SCRATCH: 1.0}
    late = parts(30)
    assert late[Operator.MUTATION] == pytest.approx(0.75, abs=0.03)
    assert late[Operator.CROSSOVER] == pytest.approx(0.2, abs=0.03)
    assert late[Operator.SCRATCH] == pytest.approx(0.05, abs=0.02)


def test_quadrants_cut_at_the_upper_quartiles() -> None:
    fitness = {f"d{i}": i / 8 for i in range(8)}
    confidence = dict.fromkeys(fitness, 1) | {"d7": 2, "d0": 2}
    parts = quadrants(fitness, confidence, 0.25, 0.25)
    assert parts[Quadrant.GOOD_CONFIDENT] == ["d7"]
    assert parts[Quadrant.GOOD_UNCONFIDENT] == ["d6"]
    assert parts[Quadrant.POOR_CONFIDENT] == ["d0"]
    assert parts[Quadrant.POOR_UNCONFIDENT] == ["d5", "d4", "d3", "d2", "d1"]
    assert sum(map(len, quadrants({}, {}, 0.25, 0.25).values())) == 0


def test_an_unverified_design_is_expected_to_be_like_its_parents() -> None:
    people = population(
        {"a": [0.8], "b": [0.4], "ab": [], "abb": [], "lone": []},
        seeds=2,
        ab=["a", "b"],
        abb=["ab", "b"],
    )
    expected = expected_fitness(people, ["ab", "abb", "lone", "a"])
    assert list(expected) == ["ab", "abb", "lone", "a"]
    assert list(expected.values()) == pytest.approx([0.6, 0.5, 0.6, 0.8])


def test_selection_goes_by_the_terms_of_the_run() -> None:
    people = population({"able": [0.9], "lean": [0.6]})
    sized = [
        report.model_copy(update={"parameters": 100, "flops": flops})
        for report, flops in zip(people.reports, (800, 200), strict=True)
    ]
    other = Population(people.designs, sized, weights={"accuracy": 1.0, "flops": 0.5})
    names = ["able", "lean"]
    assert max(names, key=expected_fitness(people, names).__getitem__) == "able"
    assert max(names, key=expected_fitness(other, names).__getitem__) == "lean"


def test_random_selection_has_no_favourites() -> None:
    for role in Role:
        chosen = shares(draws(RandomSelector(), population(FOUR), role, list(FOUR)))
        assert all(chosen[name] == pytest.approx(0.25, abs=0.04) for name in FOUR)


@pytest.mark.parametrize(
    "wrong",
    [
        {"explore": 1.5},
        {"fitness_cutoff": -0.1},
        {"seed_weights": {"gpt2": 0}},
        {"references": -1},
        {"mutation": 0},
        {"crossover": -1},
    ],
)
def test_wrong_parameters_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must|cannot|needs"):
        QuadrantSelector(**wrong)
