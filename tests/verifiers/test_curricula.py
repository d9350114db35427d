"""Scales that train on probes, through the real sandbox."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from genesys.records import Design, Outcome, Scale, Subject, VerificationReport
from genesys_verifiers.curricula import EACH
from genesys_verifiers.tasks.probes import LENGTH, PROBES

from .designs import faulty

Verify = Callable[..., VerificationReport]


@pytest.fixture
def rung() -> Scale:
    return Scale(
        name="probes",
        trains=Subject.PROBES,
        n_block=1,
        d_model=32,
        tokens=4 * EACH * len(PROBES) * LENGTH,
        learning_rate=0.01,
        trials=1,
    )


def test_a_design_is_trained_and_scored_on_probes(
    verify: Verify, gpt2: Design, rung: Scale
) -> None:
    report = verify(gpt2, rung)
    assert report.outcome is Outcome.OK, report.error
    assert report.tokens == rung.tokens
    assert [point.step for point in report.curve] == [1, 2, 3, 4]
    assert report.curve[-1].loss < report.curve[0].loss
    assert [score.task for score in report.scores] == list(PROBES)
    assert all(score.chance == 0.125 and score.stderr for score in report.scores)
    assert all(abs((score.untrained or 0) - 0.125) < 0.1 for score in report.scores)
    assert report.fitness == pytest.approx(sum(s.value for s in report.scores) / len(PROBES))


def test_a_look_ahead_is_found_though_no_answer_stands_ahead(verify: Verify, rung: Scale) -> None:
    report = verify(faulty(always="Y = Y + 10 * X.mean(dim=1, keepdim=True)"), rung)
    assert report.outcome is Outcome.DESIGN_ERROR
    assert "looks ahead after training" in report.error
