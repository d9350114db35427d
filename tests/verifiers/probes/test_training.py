from __future__ import annotations

import torch

from genesys_verifiers.probes.training import ProbeBatches, answers_loss
from genesys_verifiers.tasks.probes import ANSWER_TOKENS, ANSWERS, LENGTH, PROBES, VOCABULARY
from genesys_verifiers.training.loss import loss_of

from ..models import gpt2

ROWS = 2 * len(PROBES)


def test_batches_depend_on_the_seed_and_their_number_only() -> None:
    found = list(ProbeBatches(4, ROWS, seed=3))
    assert [batch.shape for batch in found] == [(ROWS, 3, LENGTH)] * 4
    later = list(ProbeBatches(4, ROWS, seed=3, start=2))
    assert len(ProbeBatches(4, ROWS, seed=3, start=2)) == len(later) == 2
    assert all(torch.equal(a, b) for a, b in zip(found[2:], later, strict=True))
    assert not torch.equal(found[0], found[1])
    assert not torch.equal(found[0], next(iter(ProbeBatches(4, ROWS, seed=4))))


def test_the_loss_is_that_of_the_answers_among_answers() -> None:
    model = gpt2(VOCABULARY)
    (batch,) = ProbeBatches(1, ROWS, seed=0)
    logs = model(batch[:, 0])[:, :, :ANSWER_TOKENS].log_softmax(-1)
    said = [
        logs[row, batch[row, 1, at], batch[row, 2, at]]
        for row in range(ROWS)
        for at in range(ANSWERS)
    ]
    expected = -torch.stack(said).mean()
    assert torch.allclose(answers_loss(model, batch), expected, atol=1e-6)
    assert torch.equal(loss_of(model, batch), answers_loss(model, batch))
