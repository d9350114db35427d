"""Models that answer without a block, for tests of the evaluation."""

from __future__ import annotations

import numpy as np

from genesys_verifiers.evaluation.plan import Array

VOCABULARY, WIDTH = 512, 4


class Constant:
    """Finds all tokens equally likely, whatever comes before."""

    def head(self) -> Array:
        return np.zeros((VOCABULARY, WIDTH), dtype=np.float32)

    def hidden(self, ids: Array, rows: Array, columns: Array) -> Array:
        return np.zeros((len(rows), WIDTH), dtype=np.float32)
