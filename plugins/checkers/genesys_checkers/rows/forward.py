"""Row ``forward``: the block maps any (B, L, D) to finite Y, each row by itself, without memory."""

from __future__ import annotations

from itertools import cycle

import numpy as np

from genesys.records import ErrorKind
from genesys_checkers.block import Block
from genesys_checkers.faults import Fault
from genesys_checkers.rows import state
from genesys_checkers.rows.inputs import BATCHES, Array, Sizes, build, noise, trying

# Of the largest output at a position: what is below is rounding, in float32.
ROUNDING = 1e-3
NO_MEMORY = "Draw random numbers in training only, and keep nothing between calls."


def check(block: Block, sizes: Sizes) -> None:
    """Run the block at every length and width, in bfloat16, twice, and on one row alone.

    Raises:
        Fault: It fails; Y has another shape or dtype, is not finite, differs between two runs, or
            depends on other rows; or Z is not well-formed.
    """
    for width in sizes.widths:
        build(block, width, sizes.blocks)
        lengths = sizes.lengths if width == sizes.width else sizes.extremes
        for batch, length in zip(cycle(BATCHES), lengths, strict=False):
            _finite(block, noise(batch, length, width), "float32")
    _check_alone(block, sizes)
    state.check(block, sizes)
    build(block, sizes.width, sizes.blocks, "bfloat16")
    for length in sizes.extremes:
        _finite(block, noise(2, length, sizes.width), "bfloat16")


def _finite(block: Block, X: Array, dtype: str, training: bool = True) -> Array:
    """What comes of X."""
    mode = "training" if training else "evaluation"
    with trying(f"X of shape {X.shape} in {dtype}, in {mode}"):
        Y = block.forward(X, training)
        if np.isfinite(Y).all():
            return Y
        bad = [call.unit for call in block.survey(X, training) if not call.finite]
        unit = bad[0] if bad else ""
        hint = "Look for divisions, logarithms and exponentials that overflow."
        raise Fault("Y has NaN or infinity.", unit, hint, kind=ErrorKind.NOT_FINITE)


def _check_alone(block: Block, sizes: Sizes) -> None:
    """A run depends neither on random numbers, nor on other rows, nor on the runs before it."""
    length, width = sizes.usual, sizes.width
    build(block, width, sizes.blocks)
    A, B = noise(3, length, width), noise(1, length // 2 + 3, width, seed=1)
    first = _finite(block, A, "float32", training=False)
    second = block.forward(A, training=False, seed=1)
    if not np.array_equal(first, second):
        message = "Two runs on one input differ in evaluation mode."
        raise _differs(block, A, first, second, message)
    block.forward(B, training=False)
    last = block.forward(A, training=False)
    if not np.array_equal(first, last):
        build(block, width, sizes.blocks)
        message = "What a run gives depends on the runs before it: the block keeps state."
        raise _differs(block, A, first, last, message, between=B)
    _check_rows(block, A, first)


def _differs(
    block: Block, A: Array, one: Array, other: Array, message: str, **mode: Array
) -> Fault:
    row = int(np.argmax((one != other).any(axis=(1, 2))))
    place = block.blame(A, A, row, A.shape[1], 0.0, training=False, seed2=1, **mode)
    return Fault(message, place.unit, NO_MEMORY, kind=ErrorKind.NONDETERMINISTIC)


def _check_rows(block: Block, X: Array, Y: Array) -> None:
    """The last row alone gives what it gives among the others."""
    among, alone = Y[-1:], block.forward(X[-1:], training=False)
    size = np.abs(among).max(axis=-1, keepdims=True)
    if (np.abs(among - alone) <= ROUNDING * size).all():
        return
    others = np.concatenate([noise(*X[:-1].shape, seed=1), X[-1:]])
    place = block.blame(X, others, len(X) - 1, X.shape[1], ROUNDING, training=False)
    raise Fault(
        "The output of a row depends on its place in the batch, or on the rows beside it.",
        place.unit,
        "Compute each row of the batch by itself, in the same way.",
        kind=ErrorKind.BATCH,
    )
