"""Trainings that are stopped at any point and taken up again, through the real sandbox."""

from __future__ import annotations

import csv
import errno
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from genesys.files import write_file
from genesys.records import CurvePoint, Design, Outcome, Scale, VerificationReport
from genesys.sandbox import Job, Sandbox
from genesys_verifiers.checkpoints.resumption import FILE, Checkpoint
from genesys_verifiers.checkpoints.trained import load_model
from genesys_verifiers.corpus import Corpus
from genesys_verifiers.evaluation.evaluate import Evaluator
from genesys_verifiers.lightning import LightningVerifier

from .conftest import TINY
from .designs import faulty

STEPS = 20
# It draws from each generator, and counts in a buffer.
DRAWING = faulty(
    "Y = Y + 0.1 * torch.rand(()) * random.random() * float(np.random.rand()) * self.seen",
    loading="import random\nimport numpy as np",
)
SCALE = Scale(
    name="tiny", n_block=1, d_model=32, tokens=STEPS * 64 * 4, learning_rate=0.01, trials=1
)
EACH_STEP = 1e-6  # seconds
SWEEP = Path(__file__).with_name("stopped_sweep.py")

Run = Callable[..., VerificationReport]
Told = pytest.LogCaptureFixture


def no_progress(point: CurvePoint) -> None:
    """Nobody looks."""


@pytest.fixture(scope="module")
def run(cache: Path, corpus: Corpus, sandbox: Sandbox, tmp_path_factory: Any) -> Run:
    def run(
        folder: Path,
        design: Design = DRAWING,
        progress: Callable[[CurvePoint], None] = no_progress,
        sandbox: Sandbox = sandbox,
        **parameters: Any,
    ) -> VerificationReport:
        settings = {
            "corpus": TINY.model_dump(),
            "batch_size": 4,
            "threads": 1,
            "memory_mb": 1024,
            "checkpoints": str(folder),
            "checkpoint_seconds": EACH_STEP,
        }
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GENESYS_CACHE", str(cache))
            verifier = LightningVerifier(**{**settings, **parameters})
            return verifier.verify(design, SCALE, 0, sandbox, progress)

    return run


@pytest.fixture(scope="module")
def whole(run: Run, tmp_path_factory: Any) -> tuple[VerificationReport, Path]:
    """A training in one piece: its report, and where its model is kept."""
    folder = tmp_path_factory.mktemp("undisturbed")
    report = run(folder, checkpoint_seconds=0)
    assert report.outcome is Outcome.OK, report.error
    return report, folder / "faulty-tiny-0"


@pytest.fixture
def undisturbed(whole: tuple[VerificationReport, Path]) -> tuple[VerificationReport, bytes]:
    """The report and the weights of a training in one piece."""
    report, folder = whole
    return essence(report), weights(folder.parent)


def weights(folder: Path) -> bytes:
    return (folder / "faulty-tiny-0" / "model.safetensors").read_bytes()


def essence(report: VerificationReport) -> VerificationReport:
    return report.model_copy(update={"seconds": 0.0, "tokens_per_second": 0.0})


class Killer:
    """Ends the host of the sandbox at a step."""

    def __init__(self, step: int) -> None:
        self._step = step
        self.told: list[int] = []

    def __call__(self, point: CurvePoint) -> None:
        self.told.append(point.step)
        if point.step == self._step:
            for child in psutil.Process().children():
                with suppress(psutil.NoSuchProcess):  # some are only waiting to be buried
                    if "genesys.sandbox.host" in child.cmdline():
                        child.send_signal(signal.SIGKILL)


def stop(run: Run, folder: Path, step: int) -> Path:
    """Stop a training at a step; the folder of its checkpoint."""
    killer = Killer(step)
    report = run(folder, progress=killer)
    assert report.outcome is Outcome.MACHINE_ERROR, (step, report.error)
    assert killer.told[-1] == step
    return folder / "faulty-tiny-0"


def test_a_stopped_training_goes_on_where_it_was(
    run: Run, undisturbed: tuple[VerificationReport, bytes], tmp_path: Path
) -> None:
    kept = stop(run, tmp_path, 13)
    told = Killer(0)
    logger = {"name": "csv", "folder": str(tmp_path / "logs"), "every": 1}
    report = run(tmp_path, progress=told, logger=logger)
    assert (essence(report), weights(tmp_path)) == undisturbed
    with next((tmp_path / "logs").rglob("metrics.csv")).open() as file:
        *steps, scores = csv.DictReader(file)
    assert [int(row["step"]) for row in steps] == list(range(1, STEPS + 1))
    assert float(scores["fitness"]) == report.fitness
    # Of what was before, only where it goes on: else its pace would look many times too high.
    assert told.told in (list(range(12, STEPS + 1)), list(range(13, STEPS + 1)))
    left = {path.name for path in kept.iterdir()}
    assert left == {"gab.py", "model.json", "model.safetensors", "tokenizer.json"}


def test_a_state_that_cannot_be_loaded_is_told_and_not_used(
    run: Run, undisturbed: tuple[VerificationReport, bytes], tmp_path: Path, caplog: Told
) -> None:
    file = stop(run, tmp_path, 3) / FILE
    checkpoint = Checkpoint.model_validate_json(file.read_bytes())
    sha256 = write_file(file.with_name(checkpoint.file), [b"x" * checkpoint.bytes])
    changed = checkpoint.model_copy(update={"sha256": sha256})
    file.write_text(changed.model_dump_json())
    assert (essence(run(tmp_path)), weights(tmp_path)) == undisturbed
    assert "is not used, and training starts from the beginning" in caplog.text


class _Noting(Sandbox):
    """Notes the time that it gives to guests that train."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def open(self, job: Job) -> Any:
        if job.limits and job.limits.readable:
            self.seconds.append(job.limits.seconds)
        return super().open(job)


def test_what_was_spent_before_counts(run: Run, tmp_path: Path) -> None:
    file = stop(run, tmp_path, 5) / FILE
    checkpoint = Checkpoint.model_validate_json(file.read_bytes())
    spent = checkpoint.model_copy(update={"seconds": 900.0})
    file.write_text(spent.model_dump_json())
    with _Noting() as sandbox:
        report = run(tmp_path, sandbox=sandbox, seconds=1000.0)
    assert report.outcome is Outcome.OK, report.error
    assert 0 < sandbox.seconds[-1] < 1000 - 900 + 10
    assert report.tokens_per_second == pytest.approx(report.tokens / 900, rel=0.1)
    assert report.seconds > 900


def test_a_full_disk_stops_no_training(
    run: Run,
    undisturbed: tuple[VerificationReport, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: Told,
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    report = run(tmp_path)
    assert essence(report) == undisturbed[0]
    told = {record.getMessage().partition(" (")[0] for record in caplog.records}
    kept = tmp_path / "faulty-tiny-0"
    assert told == {
        f"No training checkpoint could be written to {kept}",
        f"The model of faulty cannot be kept in {kept}",
    }
    assert not {path.name for path in kept.glob("*")} - {"gab.py"}


def test_a_design_that_fails_leaves_no_checkpoint(run: Run, tmp_path: Path) -> None:
    report = run(tmp_path, design=faulty("assert self.steps < 5"))
    assert report.outcome is Outcome.DESIGN_ERROR, report.error
    assert "step 5" in report.error
    assert not list(tmp_path.iterdir())


def test_a_design_cannot_hand_over_more_than_it_may_hold(run: Run, tmp_path: Path) -> None:
    flood = (
        "from genesys_verifiers.guest import TrainingGuest\n"
        "TrainingGuest.hand_over_state = lambda self: "
        "[self._emit({'piece': np.zeros(2**26, np.uint8)}) for _ in range(9)]"
    )
    report = run(tmp_path, design=faulty(loading=f"import numpy as np\n{flood}"), memory_mb=512)
    assert report.outcome is Outcome.DESIGN_ERROR, report.error
    assert "hands over more than 512 MiB" in report.error
    assert not list(tmp_path.iterdir())


def test_a_design_that_ends_early_is_not_asked_again(run: Run, tmp_path: Path) -> None:
    early = (
        "from genesys_verifiers.guest import TrainingGuest\n"
        "TrainingGuest.train = lambda self, seconds: "
        "self._emit({'step': 1, 'measured': torch.ones(2).double().numpy()}) "
        "or {'micro_batch': 1}"
    )
    report = run(tmp_path, design=faulty(loading=early), checkpoint_seconds=60.0)
    assert report.outcome is Outcome.DESIGN_ERROR, report.error
    assert f"ends before step {STEPS}" in report.error


def test_nothing_is_kept_where_nothing_is_asked_for(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(tmp_path, checkpoint_seconds=60.0, keep_weights=False).outcome is Outcome.OK
    assert not list(tmp_path.iterdir())
    monkeypatch.chdir(tmp_path)
    (tmp_path / FILE).write_text("of somebody else")
    assert run(tmp_path, checkpoints=None).outcome is Outcome.OK
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


class _Loaded:
    """A kept model as the evaluator asks one."""

    def __init__(self, folder: Path) -> None:
        self._model = load_model(folder, trust_code=True)

    def head(self) -> Any:
        return self._model.head.detach().numpy()

    @torch.no_grad()
    def hidden(self, ids: Any, rows: Any, columns: Any) -> Any:
        return self._model.hidden(torch.tensor(ids)).numpy()[rows, columns]


def test_a_kept_model_has_the_scores_of_its_report(
    whole: tuple[VerificationReport, Path], corpus: Corpus
) -> None:
    report, folder = whole
    scores, _ = Evaluator(corpus, 64)(_Loaded(folder))
    found = {score.task: score.value for score in scores}
    assert found == pytest.approx({s.task: s.value for s in report.scores}, abs=1e-5)
    assert json.loads((folder / "model.json").read_text())["scores"] == {
        score.task: score.value for score in report.scores
    }


@pytest.mark.slow
def test_ten_kills_of_the_whole_process_change_nothing(
    undisturbed: tuple[VerificationReport, bytes], run: Run, tmp_path: Path, cache: Path
) -> None:
    other = DRAWING.model_copy(update={"name": "other"})

    def stopped_again_and_again(design: Design) -> None:
        steps = sorted(random.Random(design.name).sample(range(1, STEPS), 5))
        parts = design.model_dump_json(), SCALE.model_dump_json(), TINY.model_dump_json()
        ended = subprocess.run(
            [sys.executable, str(SWEEP), *parts, str(tmp_path), json.dumps(steps)],
            env={**os.environ, "GENESYS_CACHE": str(cache), "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
        )
        assert (ended.returncode, ended.stdout) == (0, "\n"), ended.stderr

    with ThreadPoolExecutor() as threads:  # both at once
        list(threads.map(stopped_again_and_again, (DRAWING, other)))
    for name in ("faulty-tiny-0", "other-tiny-0"):
        assert (tmp_path / name / "model.safetensors").read_bytes() == undisturbed[1]
