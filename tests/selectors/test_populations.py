"""What selectors make of a population: unverified, growing, with errors; by role, and blindly."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesys.errors import ConfigError, UnknownNameError
from genesys.population.population import Population
from genesys.records import Operator, Role, Score, VerificationReport
from genesys.registry import load
from genesys_selectors.by_role import ByRoleSelector
from genesys_selectors.quadrant import QuadrantSelector
from genesys_selectors.random import RandomSelector

from .people import FOUR, agree, draws, population, shares
from .test_selector_plugins import SELECTORS

UNVERIFIED: dict[str, list[float]] = {name: [] for name in "abcd"}


@pytest.mark.parametrize("kind", sorted(SELECTORS))
def test_where_nothing_is_verified_all_are_alike(kind: str) -> None:
    people = population(UNVERIFIED, sessions=99)
    selections = draws(SELECTORS[kind](), people, Role.VERIFIER, list("abcd"))
    assert agree(shares(selections), dict.fromkeys("abcd", 1.0))
    assert {one.why for one in selections} == {"drawn from 4 at random"}


def report(name: str, scale: str, value: float) -> VerificationReport:
    scores = [Score(task="t", metric="acc", value=value)]
    return VerificationReport(design=name, scale=scale, scores=scores, flops=300, parameters=100)


@given(
    st.sampled_from(sorted(SELECTORS)),
    st.sampled_from(Role),
    st.lists(st.tuples(st.integers(0, 11), st.integers(0, 2), st.floats(0, 1)), max_size=12),
)
@settings(max_examples=60, deadline=None)
def test_a_population_that_grew_is_like_one_that_did_not(
    kind: str, role: Role, verified: list[tuple[int, int, float]]
) -> None:
    """What is kept from call to call changes nothing."""
    whole = population({f"d{i}": [i / 12] for i in range(12)}, seeds=3, sessions=99)
    selector, growing = SELECTORS[kind](), Population(whole.designs[:3], whole.reports[:3])
    names = [design.name for design in whole.designs]
    selector.select(growing, role, names[:3], Random(0))
    growing = growing.grown(whole.designs[3:], whole.reports[3:], whole.sessions)
    for seed, (design, scale, value) in enumerate(verified):
        growing = growing.grown(reports=[report(f"d{design}", f"s{scale}", value)])
        fresh = Population(growing.designs, growing.reports, growing.sessions)
        grown = selector.select(growing, role, names, Random(seed))
        assert grown == SELECTORS[kind]().select(fresh, role, names, Random(seed))


def test_random_selection_knows_of_no_experiment() -> None:
    """What ``experiment=no_experiment`` rests on."""
    blind, seeing = population({name: [] for name in FOUR}), population(FOUR)
    errors = [
        VerificationReport(design=name, scale="s0", outcome=outcome)
        for name, outcome in (("gc", "design_error"), ("pu", "machine_error"))
    ]
    for people in (seeing, blind.grown(reports=errors)):
        for role in Role:
            told = draws(RandomSelector(), people, role, list(FOUR))
            assert told == draws(RandomSelector(), blind, role, list(FOUR))


@pytest.mark.parametrize("shown", [0, 2, 9])
def test_references_are_drawn_alike_and_are_no_parents(shown: int) -> None:
    people = population(FOUR | {"x": [0.5]}, sessions=99)
    names = [design.name for design in people.designs]
    selector = RandomSelector(references=shown, crossover=0.0, scratch=0.0)
    selections = draws(selector, people, Role.DESIGNER, names)
    assert all(len(one.references) == min(shown, 4) for one in selections)
    assert not any(set(one.references) & set(one.designs) for one in selections)
    if shown:
        counts = [sum(name in one.references for one in selections) for name in names]
        share = min(shown, 4) / 5
        assert all(abs(count / len(selections) - share) < 0.05 for count in counts)


def by_role(**entries: Any) -> ByRoleSelector:
    return ByRoleSelector(
        **({"designer": {"name": "random"}, "verifier": {"name": "quadrant"}} | entries)
    )


def test_each_role_asks_its_own_selector() -> None:
    selector = by_role(verifier={"name": "top_k", "k": 1, "noise": 0.0})
    people = population(FOUR)
    bred = draws(selector, people, Role.DESIGNER, list(FOUR))
    assert agree(shares(bred), dict.fromkeys(FOUR, 1.0))
    assert {one.operator for one in bred} == {Operator.MUTATION}
    assert shares(draws(selector, people, Role.VERIFIER, list(FOUR))) == {"gc": 1.0}


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"designer": {"name": "quadrnt"}}, UnknownNameError, "Did you mean 'quadrant'"),
        ({"verifier": {"explore": 1}}, ConfigError, "'name'"),
        ({"verifier": {"name": "quadrant", "explore": 2}}, ConfigError, "explore"),
        ({"verifier": {"name": "by_role"}}, ConfigError, "selector.verifier is by_role again"),
    ],
)
def test_wrong_roles_are_refused(
    wrong: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        load(
            {
                "selector": {
                    "name": "by_role",
                    "designer": {"name": "random"},
                    "verifier": {"name": "random"},
                }
                | wrong
            },
            kinds=["selector"],
        )


def test_the_shipped_roles_have_the_settings_of_table_13() -> None:
    from genesys.cli.config import compose

    config = compose(["selector=by_role", "selector.verifier.explore=0.4"])["selector"]
    plain = compose(["selector=quadrant"])["selector"]
    assert config["designer"] == plain
    assert config["verifier"] == {**plain, "explore": 0.4}
    assert QuadrantSelector().explore == plain["explore"] == 0.15
