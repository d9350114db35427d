"""Fits a design's size to a scale (app. B.1.4, table 7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from genesys.gau.base import GABBase
from genesys.gau.model import GAM
from genesys_verifiers.faults import DesignFaultError
from genesys_verifiers.settings import TOLERANCE, Size

WIDTH_STEP = 16
MOST_TRIES = 1000
# The vocabulary does not count, so trial models get a small one.
TRIAL_VOCABULARY = 16


class Tuner:
    """Searches depth first, then width in steps of 16.

    The paper lowers the width at the depth that went over and gives up below the lower bound;
    here depth starts anew at each width, which finds a size for more designs.

    Args:
        block: The design's ``GAB``.
        config: The design's arguments.
        length: Of the training sequences, in tokens; the forward test uses it.
    """

    def __init__(self, block: type[GABBase], config: Mapping[str, Any], length: int) -> None:
        self._block, self._config, self._length = block, config, length
        self._tries = 0
        self._failure = ""

    def parameters(self, n_block: int, embed_dim: int) -> int:
        """Non-embedding parameters of a size."""
        return self._build(n_block, embed_dim).non_embedding_parameters()

    def tune(self, d_model: int, reference: int) -> Size:
        """Find the first size within 20% of the reference's parameters.

        Args:
            d_model: Width to start from.
            reference: Non-embedding parameters of the GPT reference.

        Raises:
            DesignFaultError: No size fits, or none that does runs.
        """
        for width in range(d_model, 0, -WIDTH_STEP):
            size = self._fit_depth(width, (1 - TOLERANCE) * reference, (1 + TOLERANCE) * reference)
            if size is not None:
                return size
        reason = f"; the last failure was {self._failure}" if self._failure else ""
        raise DesignFaultError(
            f"no number of blocks at a width of {d_model} or less gives a model that runs "
            f"with 80% to 120% of the reference's {reference} parameters{reason}"
        )

    def _fit_depth(self, width: int, low: float, high: float) -> Size | None:
        before, n_block = -1, 0
        while self._tries < MOST_TRIES:
            self._tries += 1
            n_block += 1
            try:
                model = self._build(n_block, width)
                count = model.non_embedding_parameters()
                if low < count < high:
                    self._forward(model)
                    return Size(n_block=n_block, embed_dim=width, parameters=count)
            except Exception as error:  # at another width it may work, e.g. with other heads
                self._failure = f"{type(error).__name__} at width {width}: {error}"
                return None
            if count >= high or count <= before:
                return None
            before = count
        return None

    def _build(self, n_block: int, embed_dim: int) -> GAM:
        return GAM(self._block, embed_dim, n_block, TRIAL_VOCABULARY, self._config)

    @torch.no_grad()
    def _forward(self, model: GAM) -> None:
        model(torch.zeros(1, self._length, dtype=torch.long))
