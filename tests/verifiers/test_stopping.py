"""What stops a training, and at which step, is in the report."""

from __future__ import annotations

from collections.abc import Callable

from genesys.records import Design, Outcome, Scale, VerificationReport

Verify = Callable[..., VerificationReport]


def test_a_training_without_progress_is_stopped(verify: Verify, gpt2: Design, scale: Scale) -> None:
    steps, tokens = 120, 64 * 4
    report = verify(gpt2, scale.model_copy(update={"tokens": steps * tokens, "learning_rate": 3.0}))
    assert report.outcome is Outcome.DESIGN_ERROR
    assert report.error.startswith("training, step 100: no progress: in 100 steps the loss was")
    assert report.curve[-1].step < 100
    assert report.flops > 0
    assert report.scores == []
