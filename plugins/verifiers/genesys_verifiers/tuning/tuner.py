"""Fits a design's size to a scale (app. B.1.4, table 7)."""

from __future__ import annotations

import math

from genesys_verifiers.faults import DesignFaultError
from genesys_verifiers.settings import TOLERANCE, Size
from genesys_verifiers.tuning.sizing import Sizing

WIDTH_STEP = 16
MOST_TRIES = 1000


class Tuner:
    """Searches depth first, then width in steps of 16.

    The paper lowers the width at the depth that went over and gives up below the lower bound;
    here depth starts anew at each width, which finds a size for more designs.

    Args:
        code: The design's ``gab.py``.
        length: Of the training sequences, in tokens; the forward test uses it.
    """

    def __init__(self, code: str, length: int) -> None:
        self._sizing = Sizing(code, length)
        self._tries = 0
        self._failure = ""

    def parameters(self, n_block: int, embed_dim: int) -> int:
        """Non-embedding parameters of a size."""
        return self._sizing.parameters(n_block, embed_dim)

    def tune(self, d_model: int, reference: int) -> Size:
        """Find the first size within 20% of the reference's parameters at which a pass runs.

        Args:
            d_model: Width to start from.
            reference: Non-embedding parameters of the GPT reference.

        Raises:
            DesignFaultError: No size fits, or none that does runs; says what was tried.
        """
        low, high = (1 - TOLERANCE) * reference, (1 + TOLERANCE) * reference
        for width in range(d_model, 0, -WIDTH_STEP):
            if self._tries == MOST_TRIES:
                break
            try:
                n_block = self._depth(width, low)
                count = self.parameters(n_block, width)
                if low < count < high:
                    flops = self._sizing.flops(n_block, width)
                    return Size(n_block=n_block, embed_dim=width, parameters=count, flops=flops)
            except Exception as error:  # at another width it may work, e.g. with other heads
                self._failure = f"{type(error).__name__} at width {width}: {error}"
        raise DesignFaultError(self._told(d_model, reference))

    def _depth(self, width: int, low: float) -> int:
        """Number of blocks with which counting up from one ends.

        It ends above ``low``, when a block adds nothing, or with the last try. Parameters are
        mostly affine in the number of blocks. So the number is foreseen, and stands if it and the
        one before have as many as foreseen: for a design that grows with each block, it is then
        the one that counting finds. Units may differ from block to block: else it is counted.
        """
        most = MOST_TRIES - self._tries
        self._tries += 1
        n_block = self._foreseen(width, low, most) or self._counted(width, low, most)
        self._tries += n_block - 1
        return n_block

    def _foreseen(self, width: int, low: float, most: int) -> int:
        """What two counts foretell; zero if others do not bear it out."""
        first = self.parameters(1, width)
        if first > low or most == 1:
            return 1
        step = self.parameters(2, width) - first
        if step <= 0 or first + step > low:
            return 2
        n_block = min(most, (math.floor(low) - first) // step + 2)
        borne_out = all(
            self.parameters(n, width) == first + (n - 1) * step for n in (n_block - 1, n_block)
        )
        return n_block if borne_out else 0

    def _counted(self, width: int, low: float, most: int) -> int:
        before = -1
        for n_block in range(1, most):
            count = self.parameters(n_block, width)
            if count > low or count <= before:
                return n_block
            before = count
        return most

    def _told(self, d_model: int, reference: int) -> str:
        """What to say when no size fits."""
        text = (
            f"no number of blocks at a width of {d_model} or less gives a model that runs "
            f"with 80% to 120% of the reference's {reference} parameters"
        )
        if self._sizing.counts:
            counts = self._sizing.counts
            n_block, width = min(counts, key=lambda size: abs(counts[size] - reference))
            widths = sorted({width for _, width in counts})
            text += (
                f"; up to {self._tries} sizes of widths {widths[-1]} to {widths[0]} were tried, "
                f"and the nearest, {n_block} block{'s'[: n_block > 1]} of width {width}, "
                f"has {counts[n_block, width]}"
            )
        return text + (f"; the last failure was {self._failure}" if self._failure else "")
