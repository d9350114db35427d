from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from genesys_verifiers.evaluation.audit import audit
from genesys_verifiers.evaluation.likelihood import Array, Batch
from genesys_verifiers.faults import DesignFaultError

VOCABULARY, ROWS, LENGTH = 50, 32, 24


def batches(asked: int, count: int = 6) -> list[Batch]:
    """Batches whose rows are asked for their last positions, and end in padding."""
    rng = np.random.default_rng(0)
    made = []
    for _ in range(count):
        ids = rng.integers(1, VOCABULARY, (ROWS, LENGTH))
        ends = rng.integers(LENGTH // 2, LENGTH, ROWS)
        ids[np.arange(LENGTH) > ends[:, None]] = 0
        rows = np.repeat(np.arange(ROWS), asked)
        columns = (ends[:, None] - np.arange(asked)).ravel()
        made.append(Batch(ids, rows, columns, rng.integers(VOCABULARY, size=len(rows))))
    return made


def causal(ids: Array) -> Array:
    """A number for each position that depends on all tokens up to it."""
    return np.sin(np.cumsum(ids, axis=1))


def judge(outputs: Callable[[Array], Array], asked: int = 4, seed: int = 0) -> None:
    def score(batch: Batch) -> Array:
        found: Array = outputs(batch.ids)[batch.rows, batch.columns]
        return found

    scored = [(batch, score(batch)) for batch in batches(asked)]
    audit(scored, score, np.random.default_rng(seed))


@pytest.mark.parametrize("seed", range(20))
def test_a_causal_model_passes(seed: int) -> None:
    judge(causal, seed=seed)


def test_rounding_is_no_look_ahead() -> None:
    judge(lambda ids: causal(ids) + 1e-6 * ids.mean())


@pytest.mark.parametrize(
    "outputs",
    [
        lambda ids: causal(ids) + 0.01 * ids.mean(axis=1, keepdims=True),
        lambda ids: causal(ids[:, ::-1])[:, ::-1],
        lambda ids: causal(ids) + 0.1 * (np.roll(ids, -1, axis=1) > VOCABULARY / 2),
        lambda ids: causal(ids) + 0.1 * (np.roll(ids, 1, axis=0).max(axis=1, keepdims=True) % 2),
    ],
    ids=["mean", "backwards", "next token", "other rows"],
)
@pytest.mark.parametrize("seed", range(5))
def test_a_look_ahead_is_found(outputs: Callable[[Array], Array], seed: int) -> None:
    with pytest.raises(DesignFaultError, match="looks ahead after training"):
        judge(outputs, seed=seed)


def test_where_one_token_is_asked_for_nothing_stands_after_it() -> None:
    judge(lambda ids: causal(ids[:, ::-1])[:, ::-1], asked=1)


@pytest.mark.parametrize("asked", [1, 4])
def test_memory_of_other_texts_is_found(asked: int) -> None:
    seen = set[int]()

    def remembering(ids: Array) -> Array:
        known = np.isin(ids, list(seen))
        seen.update(ids[:, :3].ravel().tolist())
        return causal(ids) + 0.1 * known

    with pytest.raises(DesignFaultError, match="remembers"):
        judge(remembering, asked)
