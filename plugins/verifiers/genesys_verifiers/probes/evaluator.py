"""Scores models on held-out sequences of the probes."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

import numpy as np

from genesys.records import Score
from genesys_verifiers.corpus.built import Corpus
from genesys_verifiers.evaluation.likelihood import Model, Scored, Scorer
from genesys_verifiers.evaluation.plan import Batch
from genesys_verifiers.evaluation.scoring import mean_error
from genesys_verifiers.probes.source import held_out
from genesys_verifiers.tasks.probes import ANSWERS, CHOICES, PROBES

Array = np.ndarray[Any, Any]

EACH = 8  # sequences of each probe in a batch, so that an audit of any batch is one of all probes


class ProbeEvaluator:
    """Asks a model for the likelihoods of all choices at each answer; the likeliest is its own.

    Args:
        corpus: Has the held-out sequences.
    """

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        samples = held_out(corpus).values()
        ids, columns, targets = (
            np.stack(parts, axis=1)  # of shape (sequences, probes, tokens)
            for parts in zip(*((s.ids, s.columns, s.targets) for s in samples), strict=True)
        )
        self._right = targets % CHOICES
        firsts = targets - self._right
        self._batches = [
            _batch(*(part[start : start + EACH] for part in (ids, columns, firsts)))
            for start in range(0, len(ids), EACH)
        ]

    @cached_property
    def key(self) -> str:
        """The same for the same sequences."""
        return json.dumps(self._corpus.manifest()["files"], sort_keys=True)

    def __call__(self, model: Model) -> tuple[list[Score], Scored]:
        """The accuracy on each probe.

        Returns:
            The scores, and the batches that the model was asked for.

        Raises:
            DesignFaultError: Its answers are none.
        """
        scorer = Scorer(model)
        scored = [(batch, scorer(batch)) for batch in self._batches]
        logs = np.concatenate([found for _, found in scored])
        said = logs.reshape(*self._right.shape, CHOICES).argmax(axis=-1)
        shares = (said == self._right).mean(axis=-1)  # of shape (sequences, probes)
        return [_score(name, own) for name, own in zip(PROBES, shares.T, strict=True)], scored

    def baseline(self, model: Model) -> list[Score]:
        """The same for a model that has learnt nothing."""
        return self(model)[0]


def _batch(ids: Array, columns: Array, firsts: Array) -> Batch:
    """A batch that asks for all choices at each answer."""
    ids = ids.reshape(-1, ids.shape[-1])
    return Batch(
        ids=ids,
        rows=np.repeat(np.arange(len(ids)), ANSWERS * CHOICES),
        columns=np.repeat(columns.ravel(), CHOICES),
        targets=(firsts.reshape(-1, 1) + np.arange(CHOICES)).ravel(),
    )


def _score(name: str, shares: Array) -> Score:
    """The answers of one sequence hang together, so the error is that of a mean of sequences."""
    value, error = float(shares.mean()), mean_error(shares.tolist())
    return Score(task=name, metric="acc", value=value, stderr=error, chance=1 / CHOICES)
