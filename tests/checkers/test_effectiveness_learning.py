"""Loss and gradient are computed by the trusted half, as torch would."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from genesys.sandbox import Sandbox
from genesys_checkers.block import open_block
from genesys_checkers.learning import Learner, cross_entropy
from genesys_checkers.text import batches

from .conftest import root_over, unit


def test_cross_entropy_is_that_of_torch() -> None:
    rng = np.random.default_rng(0)
    logits = 5 * rng.standard_normal((2, 7, 256), dtype=np.float32)
    targets = rng.integers(256, size=(2, 7))
    leaf = torch.tensor(logits, requires_grad=True)
    expected = torch.nn.functional.cross_entropy(leaf.flatten(0, 1), torch.tensor(targets).ravel())
    expected.backward()
    loss, G = cross_entropy(logits, targets)
    assert loss == pytest.approx(expected.item(), rel=1e-5)
    assert G.dtype == np.float32
    np.testing.assert_allclose(G, leaf.grad, atol=1e-7)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_loss_of_what_is_not_finite_is_not_finite(value: float) -> None:
    loss, _ = cross_entropy(np.full((1, 2, 256), value, np.float32), np.zeros((1, 2), np.int64))
    assert not math.isfinite(loss)


def test_text_is_real_and_always_the_same() -> None:
    first, again = batches(3, 2, 50), batches(3, 2, 50)
    assert [rows.shape for rows in first] == [(2, 50)] * 3
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    text = bytes(batches(1, 1, 2000)[0][0].astype(np.uint8)).decode(errors="replace")
    assert text.isprintable() or "\n" in text
    assert not (first[0] == first[1]).all()


def test_learner_learns(sandbox: Sandbox) -> None:
    text = batches(1, 2, 33)[0]
    with open_block(root_over(unit("return self.map(X)")), sandbox) as block:
        block.build(32, 1)
        learner = Learner(block)
        before = learner.loss(text)
        steps = [learner.step(text) for _ in range(5)]
        assert steps[0].loss == pytest.approx(before)
        assert learner.loss(text) < before - 0.2
        assert all(step.norm and step.seconds > 0 for step in steps)
        assert {step.unit for step in steps} <= {"Root", "Mixer", ""}
        block.build(32, 1)
        assert Learner(block).loss(text) == before
