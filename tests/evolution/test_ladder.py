"""Budgets are never overspent, never withheld, and released from below (alg. 5)."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesys.errors import ConfigError
from genesys.evolution.ladder import Ladder, LadderSettings
from genesys.evolution.release import Halving, Pyramid, Release
from genesys.population.population import Population
from genesys.records import Design, Operator, Outcome, Scale, Score, VerificationReport


def scales(trials: list[int]) -> list[Scale]:
    return [
        Scale(name=f"s{i}", n_block=1, d_model=16, tokens=1, learning_rate=1e-3, trials=n)
        for i, n in enumerate(trials)
    ]


def designs(count: int, seeds: int = 0) -> list[Design]:
    return [
        Design(
            name=f"d{i}",
            root="A",
            units=[],
            index=i,
            operator=Operator.SEED if i < seeds else Operator.MUTATION,
        )
        for i in range(count)
    ]


def verified(name: str, scale: str, value: float) -> VerificationReport:
    scores = [Score(task="t", metric="acc", value=value)]
    return VerificationReport(design=name, scale=scale, scores=scores)


narrowing = st.lists(st.integers(0, 12), min_size=1, max_size=4).map(
    lambda trials: sorted([1, *trials], reverse=True)
)
releases = st.sampled_from([Pyramid(), Halving(), Halving(1.0)])
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
        report = verified(name, scale, self.rng.random())
        self.reports.append(report.model_copy(update={"outcome": outcome}))

    def assert_within_budget(self) -> None:
        rungs = self.ladder.rungs(self.population, self.under_way)
        for below, rung in pairwise(rungs):
            assert rung.released * below.scale.trials <= below.used * rung.scale.trials
        for rung in rungs:
            assert rung.used + rung.under_way <= rung.released <= rung.scale.trials


@given(
    narrowing,
    releases,
    st.integers(1, 15),
    st.integers(0, 3),
    st.integers(1, 16),
    st.lists(st.sampled_from([OK, OK, ERROR, MACHINE]), max_size=60),
    st.randoms(),
)
def test_any_number_of_workers_keeps_the_budgets_and_starves_no_rung(
    trials: list[int],
    release: Release,
    count: int,
    seeds: int,
    workers: int,
    ends: list[Outcome],
    rng: Random,
) -> None:
    work = Workers(Ladder(scales(trials), release), designs(count, seeds), rng)
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


@given(narrowing, releases, st.integers(1, 16), st.randoms())
def test_nothing_is_left_when_all_goes_well(
    trials: list[int], release: Release, workers: int, rng: Random
) -> None:
    work = Workers(Ladder(scales(trials), release), designs(trials[0]), rng)
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


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=20),
    st.sampled_from([None, 1.0, 2.0, 4.0]),
    st.sets(st.integers(0, 19)),
    st.integers(0, 3),
)
def test_halving_promotes_the_best_share_of_those_that_are_through(
    values: list[float], eta: float | None, promoted: set[int], seeds: int
) -> None:
    """Whatever was promoted before; seeds are not in the race."""
    ladder = Ladder(scales([20, 5]), Halving(eta))
    made = designs(20, seeds)
    reports = [verified(f"d{i}", "s0", value) for i, value in enumerate(values)]
    reports += [verified(f"d{i}", "s1", 0.0) for i in promoted if i < len(values)]
    open_ = ladder.open(Population(made, reports), {})
    entering = [int(name[1:]) for name, scale in open_.items() if scale.name == "s1"]
    assert not promoted & set(entering)
    for i in entering:
        better = [j for j in range(seeds, len(values)) if values[j] > values[i]]
        assert i < seeds or len(better) < len(values) / (eta or 4)
    free = len(values) // 4 - sum(i < len(values) for i in promoted)
    assert bool(entering) == (free > 0)


def test_halving_promotes_no_sooner_than_the_budget_allows() -> None:
    ladder = Ladder(scales([8, 2]), Halving())
    made = designs(8)

    def entering(*values: float) -> list[str]:
        reports = [verified(f"d{i}", "s0", value) for i, value in enumerate(values)]
        open_ = ladder.open(Population(made, reports), {})
        return [name for name, scale in open_.items() if scale.name == "s1"]

    assert entering(0.5, 0.9, 0.1) == []
    assert entering(0.5, 0.9, 0.1, 0.2) == ["d1"]
    assert entering(0.5, 0.9, 0.1, 0.2, 0.95) == ["d4"]
    assert set(entering(0.5, 0.9, 0.1, 0.2, 0.95, 0.3, 0.4, 0.6)) == {"d1", "d4"}


def test_a_design_without_a_score_is_promoted_last() -> None:
    ladder = Ladder(scales([2, 1]), Halving())
    reports = [VerificationReport(design="d0", scale="s0"), verified("d1", "s0", 0.0)]
    assert ladder.open(Population(designs(2), reports), {}).keys() == {"d1"}


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


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"release": "halving", "eta": 5.0}, "Give at most 4, or null"),
        ({"release": "halving", "eta": 0.5}, "0.5 is not 1 or more"),
        ({"release": "halving", "eta": float("nan")}, "nan is not 1 or more"),
        ({"eta": 4.0}, "needs ladder.release=halving"),
    ],
)
def test_releases_that_cannot_work(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        LadderSettings(scales=scales([16, 4]), **wrong).ladder()


def test_the_release_is_a_line_of_config() -> None:
    reports = [verified(f"d{i}", "s0", i / 4) for i in range(4)]
    population = Population(designs(4), reports)
    for release, entering in (("pyramid", {"d0", "d1", "d2", "d3"}), ("halving", {"d3"})):
        ladder = LadderSettings(scales=scales([4, 1]), release=release).ladder().times(1)
        assert ladder.open(population, {}).keys() == entering
