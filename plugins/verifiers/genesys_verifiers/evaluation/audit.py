"""Finds out whether a trained model looks ahead or remembers: a second guest is asked as well.

Both guests hold the same weights and cannot tell each other anything. The second is shown a few of
the batches, of the same shapes and in another order, and from a random place on each row goes on as
another row does. The first cannot foresee which batches these are, and the second sees neither how
they really went on nor most of the other texts: what they say of the tokens up to that place agrees
only if it depends on nothing but what comes before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from genesys_verifiers.evaluation.likelihood import Scored
from genesys_verifiers.evaluation.plan import Batch
from genesys_verifiers.faults import DesignFaultError

Array = np.ndarray[Any, Any]

SHARE = 0.1
LEAST = 4
# Mean change in nats. Rounding gives 1e-7 to 1e-5; and this is the most that a look-ahead which is
# not seen can win, on average.
MOST_CHANGE = 1e-3


def audit(scored: Scored, score: Callable[[Batch], Array], rng: np.random.Generator) -> None:
    """Compare what two guests say.

    Args:
        scored: All batches that the first guest was shown, and the log-probabilities.
        score: Asks the second.
        rng: Chooses batches and places. No guest may be able to foresee it.

    Raises:
        DesignFaultError: The model looks ahead or remembers.
    """
    count = min(len(scored), max(LEAST, round(SHARE * len(scored))))
    changes = [np.zeros(0)]
    for index in rng.choice(len(scored), count, replace=False):
        batch, before = scored[index]
        changed, same = _altered(batch, scored, rng)
        changes.append(np.abs(score(changed) - before)[same])
    change = np.concatenate(changes)
    if change.size and change.mean() > MOST_CHANGE:
        raise DesignFaultError(
            "the design looks ahead after training, or remembers other texts: when these are "
            f"replaced, log-probabilities change by {change.mean():.2g} nats on average"
        )


def _ends(batch: Batch) -> tuple[Array, Array]:
    """Per row, whether it is asked for more than one place, and the last place."""
    first = np.full(len(batch.ids), np.iinfo(np.int64).max)
    last = np.zeros(len(batch.ids), dtype=np.int64)
    np.minimum.at(first, batch.rows, batch.columns)
    np.maximum.at(last, batch.rows, batch.columns)
    return first < last, last


def _altered(batch: Batch, others: Scored, rng: np.random.Generator) -> tuple[Batch, Array]:
    """The batch with other ends of its rows, and which of its targets come before those.

    A row with a single target ends there: nothing of it is replaced.
    """
    several, last = _ends(batch)
    ids, same = batch.ids.copy(), ~several[batch.rows]
    for row in np.flatnonzero(several):
        mine = batch.rows == row
        cut = rng.choice(batch.columns[mine & (batch.columns < last[row])])
        ids[row, cut + 1 : last[row] + 1] = _tail(others, cut + 1, last[row] - cut, rng)
        same |= mine & (batch.columns <= cut)
    return replace(batch, ids=ids), same


def _tail(others: Scored, start: int, size: int, rng: np.random.Generator) -> Array:
    """Tokens from about the same place in some row of some batch."""
    batch, _ = others[int(rng.integers(len(others)))]
    row = rng.integers(len(batch.ids))
    tokens = batch.ids[row, : _ends(batch)[1][row] + 1]
    return np.resize(tokens[min(start, len(tokens) - 1) :], size)
