"""What stops a training, and at which step, is in the report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from genesys.records import CurvePoint, Design, Outcome, Scale, VerificationReport
from genesys.sandbox import Sandbox
from genesys_verifiers import exhaustion
from genesys_verifiers.corpus import Corpus
from genesys_verifiers.lightning import LightningVerifier

from .designs import faulty

Verify = Callable[..., VerificationReport]


def test_a_training_without_progress_is_stopped(verify: Verify, gpt2: Design, scale: Scale) -> None:
    steps, tokens = 120, 64 * 4
    report = verify(gpt2, scale.model_copy(update={"tokens": steps * tokens, "learning_rate": 3.0}))
    assert report.outcome is Outcome.DESIGN_ERROR
    assert report.error.startswith("training, step 100: no progress: in 100 steps the loss was")
    assert report.curve[-1].step < 100
    assert report.flops > 0
    assert report.scores == []


@pytest.mark.parametrize(
    ("kills", "outcome", "told"),
    [
        (0, Outcome.DESIGN_ERROR, "training, step 3: it ended by signal SIGKILL"),
        (1, Outcome.MACHINE_ERROR, "training, step 3: The machine ran out of memory"),
    ],
)
def test_a_guest_that_the_kernel_kills_is_the_machines_fault(
    kills: int,
    outcome: Outcome,
    told: str,
    corpus: Corpus,
    cache: Path,
    sandbox: Sandbox,
    scale: Scale,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    count = tmp_path / "vmstat"
    count.write_text("pgfault 7\noom_kill 3\n")
    monkeypatch.setattr(exhaustion, "VMSTAT", count)
    monkeypatch.setenv("GENESYS_CACHE", str(cache))

    def progress(point: CurvePoint) -> None:
        count.write_text(f"pgfault 9\noom_kill {3 + kills}\n")

    verifier = LightningVerifier(
        corpus=corpus.manifest()["config"], batch_size=4, threads=1, memory_mb=1024
    )
    design = faulty("os.kill(os.getpid(), 9) if self.steps == 3 else None")
    report = verifier.verify(design, scale, 0, sandbox, progress)
    assert (report.outcome, report.error[: len(told)]) == (outcome, told)
