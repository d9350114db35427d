"""What a person may set, and how a mistake is answered."""

from __future__ import annotations

from typing import Any

import pytest

from genesys.errors import ConfigError
from genesys.evolution.settings import EvolutionSettings, derive_seed

GOOD: dict[str, Any] = {"seeds": ["gpt2"], "designs": 2, "max_sessions": 4}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"designz": 3}, "no key 'designz', did you mean 'designs'"),
        ({"designs": -1}, r"designs: input should be greater than or equal to 0 \(got -1\)"),
        ({"designs": "many"}, r"designs: .*integer.* \(got 'many'\)"),
        ({"accept_rating": 6}, "accept_rating"),
        ({"seeds": []}, "seeds"),
        ({"seed_share": 2, "review_attempts": 0}, "review_attempts.*; seed_share"),
    ],
)
def test_mistakes_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        EvolutionSettings.of(GOOD | change)


def test_the_defaults_are_the_papers() -> None:
    settings = EvolutionSettings.of(GOOD)
    assert (settings.accept_rating, settings.review_attempts) == (4.0, 5)


def test_derived_seeds_depend_on_every_part_and_never_change() -> None:
    seeds = {derive_seed(s, w, i) for s in range(5) for w in ("session", "x") for i in range(5)}
    assert len(seeds) == 50
    assert all(0 <= seed < 2**32 for seed in seeds)
    assert derive_seed(1, "session", 11) != derive_seed(1, "session1", 1)
    assert derive_seed(0, "session", 0) == 2626500663
