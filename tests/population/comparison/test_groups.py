"""What tells runs apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesys.errors import UnknownNameError
from genesys.population.comparison.groups import check_keys, keys_apart, label

RUNS = [
    {"experiment": "full", "agent": "team", "selector": "quadrant", "agent.siblings": "2"},
    {"experiment": "base", "agent": "none", "selector": "seeds_only", "agent.siblings": "0"},
    {"experiment": "full", "agent": "team", "selector": "quadrant", "agent.siblings": "2"},
]
SEEDS = [1, 2, 3]


def test_what_is_the_seed_tells_nothing_apart():
    runs = [{"seed": str(seed), "verifier.landscape": str(seed), "k": "2"} for seed in (1, 2)]
    assert keys_apart(runs, [1, 2]) == []
    assert keys_apart([*runs, {"seed": "3", "verifier.landscape": "1"}], [1, 2, 3]) == [
        "verifier.landscape",
        "k",
    ]


def test_what_follows_from_an_earlier_key_is_left_out():
    assert keys_apart(RUNS, SEEDS) == ["experiment"]
    assert [label(run, ["experiment"]) for run in RUNS] == ["full", "base", "full"]


def test_what_tells_more_apart_is_added():
    runs = [*RUNS, {**RUNS[0], "agent.siblings": "5"}, {**RUNS[1], "selector": "pareto"}]
    keys = keys_apart(runs, [*SEEDS, 4, 5])
    assert keys == ["experiment", "selector", "agent.siblings"]
    assert label(runs[3], keys) == "full, selector=quadrant, agent.siblings=5"


def test_runs_of_one_kind_have_nothing_to_tell_apart():
    assert keys_apart([RUNS[0], RUNS[2]], [1, 2]) == []
    assert label(RUNS[0], []) == "all"


def test_a_setting_that_a_run_lacks_tells_it_apart():
    runs = [{"selector.name": "random"}, {"selector.name": "random", "selector.k": "3"}]
    assert [label(run, keys_apart(runs, [1, 1])) for run in runs] == [
        "selector.k=–",
        "selector.k=3",
    ]


def test_a_key_that_no_run_has():
    check_keys(["agent"], RUNS)
    with pytest.raises(UnknownNameError, match="Did you mean 'selector'"):
        check_keys(["selectr"], RUNS)


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.sampled_from("xy"), min_size=1)))
def test_the_keys_tell_apart_all_that_differ(runs):
    keys = keys_apart(runs, range(len(runs)))
    for one in runs:
        for other in runs:
            assert (label(one, keys) == label(other, keys)) == (one == other)
