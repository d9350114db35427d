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


def designs(count: int) -> list[Design]:
    return [Design(name=f"d{i}", root="A", units=[], index=i) for i in range(count)]


narrowing = st.lists(st.integers(0, 12), min_size=1, max_size=4).map(
    lambda trials: sorted([1, *trials], reverse=True)
)
OK, ERROR, MACHINE = Outcome.OK, Outcome.DESIGN_ERROR, Outcome.MACHINE_ERROR


class Workers:
    """Simulated verifiers, which take and end trials in any order."""

    def __init__(self, ladder: Ladder, made: list[Design], rng: Random) -> None:
        self.ladder, self.made, self.rng = ladder, made, rng
        self.reports: list[VerificationReport] = []
        self.under_way: dict[str, str] = {}

    @property
    def population(self) -> Population:
        return Population(self.made, self.reports)

    def begin(self) -> bool:
        """Whether there was something to begin; what was begun was allowed."""
        population = self.population
        options = self.ladder.open(population, self.under_way)
        if not options:
            return False
        name = self.rng.choice(list(options))
        scale = options[name]
        lower = self.ladder.scales[: self.ladder.scales.index(scale)]
        assert name not in self.under_way
        assert not population.is_erroneous(name)
        assert population.verified_scales(name) == {one.name for one in lower}
        self.under_way[name] = scale.name
        return True

    def end(self, outcome: Outcome) -> None:
        name = self.rng.choice(list(self.under_way))
        scale = self.under_way.pop(name)
        self.reports.append(VerificationReport(design=name, scale=scale, outcome=outcome))

    def assert_within_budget(self) -> None:
        rungs = self.ladder.rungs(self.population, self.under_way)
        for below, rung in pairwise(rungs):
            assert rung.released * below.scale.trials <= below.used * rung.scale.trials
        for rung in rungs:
            assert rung.used + rung.under_way <= rung.released <= rung.scale.trials


@given(
    narrowing,
    st.integers(1, 15),
    st.integers(1, 16),
    st.lists(st.sampled_from([OK, OK, ERROR, MACHINE]), max_size=60),
    st.randoms(),
)
def test_any_number_of_workers_keeps_the_budgets_and_starves_no_rung(
    trials: list[int], count: int, workers: int, ends: list[Outcome], rng: Random
) -> None:
    work = Workers(Ladder(scales(trials)), designs(count), rng)
    for end in [*ends, *[OK] * (2 * count * len(trials))]:
        while len(work.under_way) < workers and work.begin():
            work.assert_within_budget()
        if not work.under_way:
            break
        work.end(end)
        work.assert_within_budget()
    # What is left of a rung is left for want of designs, or because the one below has some left.
    population = work.population
    sound = [d.name for d in work.made if not population.is_erroneous(d.name)]
    for i, rung in enumerate(work.ladder.rungs(population)):
        passed = {scale.name for scale in work.ladder.scales[:i]}
        waiting = [name for name in sound if population.verified_scales(name) == passed]
        assert not waiting or rung.used == rung.released


@given(narrowing, st.integers(1, 16), st.randoms())
def test_nothing_is_left_when_all_goes_well(trials: list[int], workers: int, rng: Random) -> None:
    work = Workers(Ladder(scales(trials)), designs(trials[0]), rng)
    while True:
        while len(work.under_way) < workers and work.begin():
            pass
        if not work.under_way:
            break
        work.end(OK)
    assert [rung.used for rung in work.ladder.rungs(work.population)] == [n for n in trials if n]


def test_the_second_rung_opens_in_proportion() -> None:
    ladder = Ladder(scales([12, 3]))
    opened = []
    for used in range(13):
        reports = [VerificationReport(design=f"d{i}", scale="s0") for i in range(used)]
        opened.append(ladder.rungs(Population(designs(12), reports))[1].available)
    assert opened == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3]


def test_a_trial_under_way_is_taken_and_releases_nothing_yet() -> None:
    ladder = Ladder(scales([2, 1]))
    reports = [VerificationReport(design="d0", scale="s0")]
    population = Population(designs(3), reports)
    assert list(ladder.open(population, {})) == ["d1", "d2"]
    assert ladder.open(population, {"d1": "s0"}) == {}
    ended = population.grown(reports=[VerificationReport(design="d1", scale="s0")])
    assert set(ladder.open(ended, {})) == {"d0", "d1"}
    assert ladder.open(ended, {"d0": "s1"}) == {}


def test_machine_errors_cost_nothing() -> None:
    report = VerificationReport(design="d0", scale="s0", outcome=MACHINE)
    population = Population(designs(1), [report] * 9)
    assert Ladder(scales([1])).open(population, {}) == {"d0": scales([1])[0]}


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
