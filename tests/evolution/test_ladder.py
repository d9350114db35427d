"""Budgets are never overspent, never withheld, and released from below (alg. 5)."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesys.errors import ConfigError
from genesys.evolution.ladder import Ladder
from genesys.population.population import Population
from genesys.records import Design, Outcome, Scale, VerificationReport


def scales(trials: list[int]) -> list[Scale]:
    return [
        Scale(name=f"s{i}", n_block=1, d_model=16, tokens=1, learning_rate=1e-3, trials=n)
        for i, n in enumerate(trials)
    ]


narrowing = st.lists(st.integers(0, 12), min_size=1, max_size=4).map(
    lambda trials: sorted([1, *trials], reverse=True)
)
outcomes = st.sampled_from([Outcome.OK, Outcome.OK, Outcome.DESIGN_ERROR, Outcome.MACHINE_ERROR])


@given(narrowing, st.integers(1, 15), st.lists(outcomes, max_size=60), st.randoms())
def test_budgets(trials: list[int], count: int, ends: list[Outcome], rng: Random) -> None:
    ladder = Ladder(scales(trials))
    designs = [Design(name=f"d{i}", root="A", units=[], index=i) for i in range(count)]
    reports: list[VerificationReport] = []
    for end in ends:
        population = Population(designs, reports)
        rungs = ladder.rungs(population)
        for below, rung in pairwise(rungs):
            assert rung.released * below.scale.trials <= below.used * rung.scale.trials
        assert all(rung.used <= rung.released <= rung.scale.trials for rung in rungs)
        options = {d.name: s for d in designs if (s := ladder.next_scale(population, d.name))}
        for name, scale in options.items():
            position = ladder.scales.index(scale)
            passed = {s.name for s in ladder.scales[:position]}
            assert population.verified_scales(name) == passed
            assert not population.is_erroneous(name)
        fresh = [d.name for d in designs if not population.reports_of(d.name)]
        assert bool(rungs[0].available and fresh) <= bool(options)
        if not options:
            break
        name = rng.choice(sorted(options))
        reports.append(VerificationReport(design=name, scale=options[name].name, outcome=end))


@given(narrowing)
def test_nothing_is_left_when_all_goes_well(trials: list[int]) -> None:
    ladder = Ladder(scales(trials))
    designs = [Design(name=f"d{i}", root="A", units=[], index=i) for i in range(trials[0])]
    reports: list[VerificationReport] = []
    while True:
        population = Population(designs, reports)
        options = [(d.name, s) for d in designs if (s := ladder.next_scale(population, d.name))]
        if not options:
            break
        name, scale = options[-1]
        reports.append(VerificationReport(design=name, scale=scale.name))
    assert [rung.used for rung in ladder.rungs(population)] == [n for n in trials if n]


def test_the_second_rung_opens_in_proportion() -> None:
    ladder = Ladder(scales([12, 3]))
    designs = [Design(name=f"d{i}", root="A", units=[], index=i) for i in range(12)]
    opened = []
    for used in range(13):
        reports = [VerificationReport(design=f"d{i}", scale="s0") for i in range(used)]
        opened.append(ladder.rungs(Population(designs, reports))[1].available)
    assert opened == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3]


def test_machine_errors_cost_nothing() -> None:
    report = VerificationReport(design="d0", scale="s0", outcome=Outcome.MACHINE_ERROR)
    population = Population([Design(name="d0", root="A", units=[])], [report] * 9)
    assert Ladder(scales([1])).next_scale(population, "d0") == scales([1])[0]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (scales([]), "at least one trial"),
        (scales([0]), "at least one trial"),
        (scales([2, 3]), "narrows upwards"),
        (scales([2, 0, 1]), "narrows upwards"),
        (scales([2]) * 2, "one name"),
        ([scales([1])[0].model_copy(update={"name": "../x"})], "name is made of"),
    ],
)
def test_ladders_that_cannot_work(wrong: list[Scale], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Ladder(wrong)
