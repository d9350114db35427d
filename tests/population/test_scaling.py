"""Forecasts on hand-made power laws, and on reports that no fit can be made of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesys.population.scaling import FEWEST, ScalingFit, compute, extrapolate, loss
from genesys.records import Forecast, Outcome, Score, VerificationReport

LADDER = {"a": (100_000, 10**6), "b": (300_000, 4 * 10**6), "c": (10**6, 2 * 10**7)}


def report(
    design: str,
    scale: str,
    bits: float,
    parameters: int | None = None,
    outcome: Outcome = Outcome.OK,
) -> VerificationReport:
    size, tokens = LADDER[scale]
    return VerificationReport(
        design=design,
        scale=scale,
        outcome=outcome,
        parameters=size if parameters is None else parameters,
        tokens=tokens,
        scores=[Score(task="text", metric="bits_per_byte", value=bits)],
    )


def law(
    rng: np.random.Generator, designs: int, noise: float, exponent: float = -0.07
) -> list[VerificationReport]:
    """Designs with a power law each at all scales: of one exponent, up to noise of a share."""
    reports = []
    for index in range(designs):
        factor = 8 * np.exp(rng.normal(0, 0.1))
        for scale, (size, tokens) in LADDER.items():
            parameters = int(size * rng.uniform(0.8, 1.2))
            used = 6.0 * parameters * tokens
            bits = factor * used**exponent * np.exp(noise * rng.normal())
            reports.append(report(f"d{index}", scale, bits, parameters))
    return reports


def without(
    reports: list[VerificationReport], design: str, scale: str
) -> tuple[list[VerificationReport], float]:
    """All reports but one, and what that one says."""
    kept = [r for r in reports if (r.design, r.scale) != (design, scale)]
    (hidden,) = (r for r in reports if r not in kept)
    return kept, hidden.scores[0].value


def test_a_law_without_noise_is_foretold() -> None:
    reports = law(np.random.default_rng(0), 6, noise=0.0)
    kept, truth = without(reports, "d0", "c")
    found = ScalingFit(kept).forecast("d0")
    assert found.scale == "c"
    # Only the compute that tuning will find there is not known.
    assert found.value == pytest.approx(truth, rel=0.02)
    assert found.error is not None and found.value is not None
    assert 0 < found.error < 0.02 * found.value
    assert "5 designs verified at a, b and c share the exponent -0.07" in found.basis


@pytest.mark.parametrize(("designs", "square"), [(FEWEST, None), (8, 1.24), (24, 1.05)])
def test_two_of_three_steps_lie_within_the_error(designs: int, square: float | None) -> None:
    """As Student's t has it, whose mean square is known where it has enough degrees of freedom."""
    rng = np.random.default_rng(designs)
    misses = []
    for _ in range(4000):
        steps = np.stack([rng.normal(2, 0.1, designs + 1), np.zeros(designs + 1)], axis=1)
        steps[:, 1] = -0.07 * steps[:, 0] + rng.normal(0, 0.03, designs + 1)
        step, error = extrapolate(steps[1:])
        misses.append((steps[0, 1] - step[1]) / error)
    assert np.mean(np.abs(misses) < 1) == pytest.approx(0.683, abs=0.02)
    assert abs(np.mean(misses)) < 0.05
    if square:
        assert np.mean(np.square(misses)) == pytest.approx(square, rel=0.1)


def test_two_of_three_losses_lie_within_the_error() -> None:
    rng = np.random.default_rng(0)
    misses = []
    for _ in range(150):
        kept, truth = without(law(rng, 7, noise=0.03), "d0", "c")
        found = ScalingFit(kept).forecast("d0")
        assert found.value is not None and found.error
        misses.append((found.value - truth) / found.error)
    assert np.mean(np.abs(misses) < 1) == pytest.approx(0.683, abs=0.1)
    assert abs(np.mean(misses)) < 0.3


def test_a_law_that_flattens_does_not_bias() -> None:
    """An irreducible loss bends the law; the exponent is that of the step to be foretold."""
    rng = np.random.default_rng(1)
    misses = []
    for _ in range(80):
        bent = [
            r.model_copy(
                update={"scores": [r.scores[0].model_copy(update={"value": r.scores[0].value + 2})]}
            )
            for r in law(rng, 7, noise=0.02, exponent=-0.2)
        ]
        kept, truth = without(bent, "d0", "c")
        found = ScalingFit(kept).forecast("d0")
        assert found.value is not None and found.error
        misses.append((found.value - truth) / found.error)
    assert abs(np.mean(misses)) < 0.3
    assert np.mean(np.abs(misses) < 1) > 0.55


def test_seeds_of_a_design_are_one() -> None:
    reports = law(np.random.default_rng(2), 6, noise=0.02)
    kept, _ = without(reports, "d0", "c")
    assert ScalingFit([*kept, *kept]).forecast("d0") == ScalingFit(kept).forecast("d0")


def test_too_few_designs_give_no_forecast_but_a_reason() -> None:
    kept, _ = without(law(np.random.default_rng(3), FEWEST, noise=0.02), "d0", "c")
    found = ScalingFit(kept).forecast("d0")
    assert (found.scale, found.value, found.error) == ("c", None, None)
    assert found.basis == ("There are only 3 designs verified at a, b and c; a forecast takes 4.")


def test_what_cannot_be_foretold_says_why() -> None:
    fit = ScalingFit(law(np.random.default_rng(4), 5, noise=0.02))
    assert "No design has bits per byte above c" in fit.forecast("d0").basis
    assert "no bits per byte" in fit.forecast("stranger").basis
    assert "no bits per byte" in ScalingFit([]).forecast("d0").basis


def test_a_scale_with_as_much_compute_is_no_step() -> None:
    reports = [report(f"d{i}", scale, 2.0, 5) for i in range(5) for scale in "ab"]
    even = [r.model_copy(update={"tokens": 100}) for r in reports]
    kept, _ = without(even, "d0", ScalingFit(even).scales[-1])
    found = ScalingFit(kept).forecast("d0")
    assert found.value is None and "more compute" in found.basis


def test_failures_do_not_count() -> None:
    reports = law(np.random.default_rng(5), 6, noise=0.02)
    kept, _ = without(reports, "d0", "c")
    failed = report("d0", "c", 1.0, outcome=Outcome.DESIGN_ERROR)
    assert ScalingFit([*kept, failed]).forecast("d0") == ScalingFit(kept).forecast("d0")


def test_counted_operations_come_before_parameters() -> None:
    plain = report("d", "a", 2.0)
    assert compute(plain) == 6.0 * 100_000 * 10**6
    assert compute(plain.model_copy(update={"flops": 7})) == 3.0 * 7 * 10**6


def test_a_loss_that_is_none_is_left_out() -> None:
    assert loss(report("d", "a", 2.0)) == 2.0
    assert loss(report("d", "a", 0.0)) is None
    nan = Score.model_construct(task="text", metric="bits_per_byte", value=float("nan"))
    assert loss(report("d", "a", 2.0).model_copy(update={"scores": [nan]})) is None
    assert loss(report("d", "a", 2.0).model_copy(update={"scores": []})) is None


ODD = st.builds(
    report,
    design=st.sampled_from([f"d{i}" for i in range(7)]),
    scale=st.sampled_from(sorted(LADDER)),
    bits=st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.just(2.0)),
    parameters=st.one_of(st.integers(0, 2**62), st.just(1000)),
    outcome=st.sampled_from(Outcome),
)


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.lists(ODD, max_size=40))
def test_any_reports_give_a_forecast_or_a_reason(reports: list[VerificationReport]) -> None:
    fit = ScalingFit(reports)
    for design in {r.design for r in reports}:
        found = fit.forecast(design)
        assert isinstance(found, Forecast) and found.basis
        assert (found.value is None) == (found.error is None) == (found.compute is None)
        assert found.value is None or found.value > 0
        assert all(len(fit.point(design, scale)) == 2 for scale in fit.rungs(design))
