"""Each term by hand, and fitness made of several."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesys.population.fitness import EQUATION_1, fitness
from genesys.population.population import Population
from genesys.population.terms import FORECAST, TERMS
from genesys.records import Design, Efficiency, Outcome, Score, VerificationReport

NAMES = (*TERMS, FORECAST)


def measured(design: str, length: int, speed: float, memory: float) -> Efficiency:
    return Efficiency(
        design=design,
        length=length,
        rows=1,
        train_tokens_per_second=speed,
        prefill_memory_mb=memory,
    )


REPORT = VerificationReport(
    design="d",
    scale="a",
    parameters=100,
    flops=800,
    tokens=1000,
    scores=[
        Score(task="t", metric="acc", value=0.6),
        Score(task="u", metric="acc_norm", value=0.8),
        Score(task="b", metric="bits_per_byte", value=2.0),
    ],
    efficiency=[
        measured("gpt2", 128, 100.0, 10.0),
        measured("d", 128, 100.0, 10.0),
        measured("gpt2", 512, 100.0, 40.0),
        measured("d", 512, 400.0, 10.0),
    ],
)
VALUES = {"accuracy": 0.7, "bits_per_byte": 0.75, "speed": 2.0, "prefill_memory": 2.0, "flops": -2}
EMPTY = VerificationReport(design="d", scale="a")


def changed(**fields: Any) -> VerificationReport:
    return REPORT.model_copy(update=fields)


def population(*reports: VerificationReport, **weights: float) -> Population:
    names = dict.fromkeys(report.design for report in reports)
    return Population(
        [Design(name=name, root="D", units=[]) for name in names], reports, weights=weights
    )


@pytest.mark.parametrize("name", TERMS)
def test_each_term_by_hand(name: str) -> None:
    assert TERMS[name](REPORT) == pytest.approx(VALUES[name])
    assert TERMS[name](EMPTY) is None


def test_lengths_at_which_one_failed_do_not_count() -> None:
    failed = REPORT.efficiency[3].model_copy(
        update={"train_tokens_per_second": 0.0, "prefill_memory_mb": 0.0, "error": "too much"}
    )
    report = changed(efficiency=[*REPORT.efficiency[:3], failed])
    assert TERMS["speed"](report) == 0.0
    assert TERMS["prefill_memory"](report) == 0.0
    assert TERMS["speed"](changed(efficiency=[REPORT.efficiency[0]])) is None


def test_the_fitness_is_the_weighted_sum_averaged_over_scales() -> None:
    weights = {"accuracy": 1.0, "speed": 0.05, "flops": 0.1}
    other = changed(scale="b", efficiency=[], flops=200)
    here, there = 0.7 + 0.05 * 2 + 0.1 * -2, 0.7 + 0.1 * 0
    assert fitness([REPORT], weights) == pytest.approx(here)
    assert fitness([REPORT, other], weights) == pytest.approx((here + there) / 2)
    whole = population(REPORT, other, **weights)
    assert whole.fitness("d") == pytest.approx((here + there) / 2)
    assert whole.fitness("d", "b") == pytest.approx(there)
    assert whole.fitness("d", "c") is None


def test_no_fitness_without_a_term_that_is_known() -> None:
    assert fitness([EMPTY], {"accuracy": 1.0}) is None
    assert fitness([changed(efficiency=[])], {"speed": 1.0}) is None
    assert fitness([changed(outcome=Outcome.DESIGN_ERROR)], {"flops": 1.0}) is None
    assert fitness([REPORT], {"flops": 0.0, "accuracy": 0.0}) is None


@given(st.lists(st.floats(0, 1), min_size=1, max_size=4))
def test_by_default_it_is_equation_1_to_the_bit(values: list[float]) -> None:
    reports = [
        VerificationReport(
            design="d", scale=str(i), scores=[Score(task="t", metric="acc", value=value)]
        )
        for i, value in enumerate(values)
    ]
    assert fitness(reports) == fitness(reports, EQUATION_1) == sum(values) / len(values)


weighted = st.dictionaries(st.sampled_from(list(TERMS)), st.floats(0, 10), min_size=1)


@given(weighted, st.floats(0.5, 1))
def test_more_of_a_term_is_never_worse(weights: dict[str, float], better: float) -> None:
    improved = changed(
        scores=[Score(task="t", metric="acc", value=0.7 + 0.3 * better)],
        flops=round(800 / (1 + better)),
    )
    plain = changed(scores=REPORT.scores[:1])
    one, two = fitness([plain], weights), fitness([improved], weights)
    assert (one is None) == (two is None)
    assert one is None or two is None or two >= one - 1e-9


def at(design: str, scale: str, tokens: int, bits: float) -> VerificationReport:
    score = Score(task="b", metric="bits_per_byte", value=bits)
    return VerificationReport(
        design=design, scale=scale, parameters=100, tokens=tokens, scores=[score]
    )


def test_the_forecast_is_that_of_the_scaling_fit() -> None:
    """Four designs halve their loss between the scales, so the fifth should."""
    both = [
        at(design, scale, tokens, bits)
        for design, factor in zip("abcd", (1.0, 1.1, 1.2, 1.3), strict=True)
        for scale, tokens, bits in (("s", 1000, 4 * factor), ("m", 4000, 2 * factor))
    ]
    whole = population(*both, at("e", "s", 1000, 4.4), forecast=0.5)
    assert whole.fitness("e") == pytest.approx(0.5 * (1 - 2.2 / 8))
    assert whole.fitness("b") == pytest.approx(0.5 * (1 - 2.2 / 8))  # as measured
    assert population(at("e", "s", 1000, 4.4), forecast=1.0).fitness("e") == pytest.approx(0.45)
    assert population(EMPTY, forecast=1.0).fitness("d") is None


def test_a_population_grows_with_its_weights() -> None:
    grown = population(REPORT, flops=1.0).grown(reports=[changed(scale="b")])
    assert grown.confidence("d") == 2
    assert grown.fitness("d") == -2.0
