"""As many sequences at a time as fit: a batch that is too large for a guest is trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genesys.sandbox import Job, Limits, Sandbox
from genesys_verifiers.faults import DesignFaultError
from genesys_verifiers.opening import ENTRY
from genesys_verifiers.reference import code
from genesys_verifiers.remote import RemoteModel
from genesys_verifiers.settings import Settings, Task

MEMORY_MB = 256


@pytest.fixture
def text(tmp_path: Path) -> Path:
    tokens = np.random.default_rng(0).integers(64, size=2**16, dtype=np.uint16)
    tokens.tofile(tmp_path / "train.bin")
    return tmp_path


def train(sandbox: Sandbox, text: Path, micro_batch: Any) -> tuple[int, list[float]]:
    """Sequences at a time, and the loss of a step."""
    settings = Settings(batch_size=128, sequence_length=256, threads=1, micro_batch=micro_batch)
    task = Task(
        block=code(),
        learning_rate=0.01,
        steps=1,
        seed=0,
        vocab_size=64,
        train_folder=str(text),
        settings=settings,
        memory_mb=MEMORY_MB,
    )
    limits = Limits(memory_mb=MEMORY_MB, seconds=600, threads=1, readable=[str(text)])
    losses: list[float] = []
    job = Job(entry=ENTRY, payload=task.model_dump(mode="json"), limits=limits)
    with sandbox.open(job) as guest:
        model = RemoteModel(guest, 64, MEMORY_MB)
        model.load()
        model.build(2, 64)
        return model.train(lambda step, loss, *_: losses.append(loss)), losses


def test_a_batch_that_does_not_fit_is_taken_in_parts(sandbox: Sandbox, text: Path) -> None:
    with pytest.raises(DesignFaultError, match="256 MiB of memory"):
        train(sandbox, text, None)
    taken, losses = train(sandbox, text, "auto")
    assert 1 < taken < 128
    assert train(sandbox, text, taken) == (taken, losses)  # to the bit
