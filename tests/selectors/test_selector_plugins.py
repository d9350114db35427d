"""What all selectors owe the loop."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesys.cli.config import compose
from genesys.errors import ConfigError
from genesys.records import Operator, Role
from genesys.registry import load
from genesys_selectors.bandit import BanditSelector
from genesys_selectors.map_elites import MapElitesSelector
from genesys_selectors.pareto import ParetoSelector
from genesys_selectors.quadrant import QuadrantSelector
from genesys_selectors.random import RandomSelector
from genesys_selectors.surrogate import SurrogateSelector
from genesys_selectors.top_k import TopKSelector
from genesys_selectors.tournament import TournamentSelector

from .people import FOUR, agree, draws, population, shares

SELECTORS = {
    "bandit": BanditSelector,
    "map_elites": MapElitesSelector,
    "pareto": ParetoSelector,
    "quadrant": QuadrantSelector,
    "random": RandomSelector,
    "surrogate": SurrogateSelector,
    "top_k": TopKSelector,
    "tournament": TournamentSelector,
}


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
    assert picked is None or picked.why
    if picked is None:
        return
    count = {Operator.MUTATION: 1, Operator.CROSSOVER: 2, Operator.SCRATCH: 0, Operator.SEED: 1}
    assert len(set(picked.designs)) == len(picked.designs) == count[picked.operator]
    assert (picked.operator is Operator.SEED) == (role is Role.VERIFIER)
    assert set(picked.designs + picked.references) <= set(candidates)
    assert not set(picked.designs) & set(picked.references)


@pytest.mark.parametrize("kind", sorted(SELECTORS))
def test_the_shipped_config_builds_it_with_its_defaults(kind: str) -> None:
    config = compose([f"selector={kind}"])
    load(config, kinds=["selector"]).require("select")
    parameters = {key: value for key, value in config["selector"].items() if key != "name"}
    assert vars(SELECTORS[kind](**parameters)) == vars(SELECTORS[kind]())


@pytest.mark.parametrize("kind", sorted(SELECTORS))
@pytest.mark.parametrize("wrong", [{"references": -1}, {"mutation": 0}, {"crossover": "much"}])
def test_wrong_parameters_are_refused(kind: str, wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        load({"selector": {"name": kind, **wrong}}, kinds=["selector"])


def test_random_selection_has_no_favourites() -> None:
    for role in Role:
        chosen = shares(draws(RandomSelector(), population(FOUR), role, list(FOUR)))
        assert agree(chosen, dict.fromkeys(FOUR, 1.0))
