"""Whole trainings, small."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from genesys_verifiers.settings import Settings
from genesys_verifiers.training.data import Batches
from genesys_verifiers.training.loops import fit
from genesys_verifiers.training.optimization import Schedule
from genesys_verifiers.training.stepping import Step

from ..models import gpt2

STEPS = 12


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """Tokens that a model can learn to foresee."""
    tokens = np.tile(np.arange(60, dtype=np.uint16), 40)
    tokens.tofile(tmp_path / "train.bin")
    return tmp_path / "train.bin"


def train(text: Path, **settings: object) -> tuple[list[Step], dict[str, Tensor]]:
    told: list[Step] = []
    model = gpt2()
    found = Settings.model_validate({"batch_size": 4, "sequence_length": 16, **settings})
    batches = Batches(text, STEPS, found.batch_size, found.sequence_length, seed=0)
    fit(model, batches, Schedule(0.01, STEPS, found), told.append)
    return told, model.state_dict()


def test_every_step_is_told_and_the_loss_falls(text: Path) -> None:
    told, _ = train(text)
    assert [step.number for step in told] == list(range(1, STEPS + 1))
    assert told[-1].loss < told[0].loss - 0.5


def test_equal_trainings_give_equal_bits(text: Path) -> None:
    (first, ours), (second, theirs) = train(text), train(text)
    assert first == second
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_bare_loop_takes_the_same_steps(text: Path) -> None:
    (first, ours), (second, theirs) = train(text), train(text, loop="bare")
    assert first == second
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_pieces_of_a_batch_see_the_same_data(text: Path) -> None:
    (whole, _), (parts, _) = train(text), train(text, micro_batch=1)
    assert [step.loss for step in parts] == pytest.approx([step.loss for step in whole], abs=1e-3)
