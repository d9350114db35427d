"""Training on probes: sequences made while they are needed, and a loss at the answers alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from genesys.gau.model import GAM
from genesys_verifiers.settings import Precision
from genesys_verifiers.tasks.probes import ANSWER_TOKENS, ANSWERS, LENGTH, PROBES, sample
from genesys_verifiers.training.precision import computing


class ProbeBatches:
    """An iterable of batches of shape (B, 3, L), int64: tokens, places of answers, answers.

    A batch has equally many sequences of each probe. No sequence is drawn twice but by chance, and
    each batch depends on the seed and its number only.

    Args:
        steps: Number of batches.
        batch_size: B, a multiple of the number of probes.
        seed: Of the sequences.
        start: Batches to leave out.
    """

    def __init__(self, steps: int, batch_size: int, seed: int, start: int = 0) -> None:
        self._steps, self._each, self._seed = steps, batch_size // len(PROBES), seed
        self._start = start

    def __len__(self) -> int:
        return self._steps - self._start

    def __iter__(self) -> Iterator[Tensor]:
        for step in range(self._start, self._steps):
            rng = np.random.default_rng([self._seed, step])
            batch = np.zeros((len(PROBES), self._each, 3, LENGTH), dtype=np.int64)
            for part, name in zip(batch, PROBES, strict=True):
                found = sample(name, self._each, rng)
                part[:, 0] = found.ids
                part[:, 1, :ANSWERS], part[:, 2, :ANSWERS] = found.columns, found.targets
            yield torch.from_numpy(batch.reshape(-1, 3, LENGTH))


def answers_loss(model: GAM, batch: Tensor, precision: Precision = Precision.FLOAT32) -> Tensor:
    """Mean cross-entropy in nats of the answers, among the tokens that are answers.

    Args:
        model: The model.
        batch: Of shape (B, 3, L), see :class:`ProbeBatches`.
        precision: Of the blocks; head and loss are in float32.
    """
    with computing(precision, batch.device):
        hidden = model.hidden(batch[:, 0])
    rows = torch.arange(len(batch), device=batch.device)[:, None]
    asked = hidden[rows, batch[:, 1, :ANSWERS]].float()
    logits = asked @ model.head[:ANSWER_TOKENS].float().T
    return cross_entropy(logits.flatten(0, 1), batch[:, 2, :ANSWERS].flatten())
