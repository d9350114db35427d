"""Rows ``backward`` and ``differentiability``: gradients are finite and reach every parameter."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from genesys.records import ErrorKind
from genesys_checkers.block import Block
from genesys_checkers.claims import Gradient, Gradients, Spot
from genesys_checkers.faults import Fault
from genesys_checkers.rows.inputs import Array, Sizes, build, noise, trying

# Longer than usual chunks: what carries state between them must count.
LENGTH = 257
# Some units are used in every so many blocks only.
DEPTH = 8


def check_finite(block: Block, sizes: Sizes) -> None:
    """Differentiate at every length, and in bfloat16.

    Raises:
        Fault: It fails, or a gradient has NaN or infinity.
    """
    for dtype, lengths in (("float32", sizes.lengths), ("bfloat16", [sizes.usual])):
        build(block, sizes.width, sizes.blocks, dtype)
        for length in lengths:
            X, G = noise(2, length, sizes.width), noise(2, length, sizes.width, seed=1)
            with trying(f"X of shape {X.shape} in {dtype}"):
                _check_finite(block, X, G)


def check_used(block: Block, sizes: Sizes) -> None:
    """Look for parameters that no gradient reaches, and for one of the input.

    Gates that start at zero are opened first. A parameter passes when it gets a gradient in at
    least one block: what a block leaves for the next one is of no use in the last.

    Raises:
        Fault: A parameter is unused, cut off by an operation without a gradient, or frozen; or no
            gradient reaches X.
    """
    idle, given = _idle(block, sizes, sizes.blocks)
    if idle:
        idle, given = _idle(block, sizes, DEPTH)
    if idle:
        raise _unused(block, idle)
    if given is None or not np.any(given):
        raise Fault(
            "No gradient reaches X: the output does not depend on the input, or not smoothly.",
            hint="Compute Y from X without detaching it.",
            kind=ErrorKind.BACKWARD,
        )


def _check_finite(block: Block, X: Array, G: Array) -> None:
    try:
        gradients, given = _differentiate(block, X, G)
    except Fault as fault:
        if not fault.unit and fault.kind is None:
            spot = _spot(block, X, G)
            fault.unit, fault.line = spot.unit, spot.line
        raise
    bad = [g for g in gradients if not g.finite]
    if not bad and (given is None or np.isfinite(given).all()):
        return
    what = f"gradient of {bad[-1].name}" if bad else "gradient of X"
    spot = _spot(block, X, G)
    unit = spot.unit or (block.unit(bad[-1].unit) if bad else "")
    raise Fault(
        f"The {what} has NaN or infinity.",
        unit,
        "Look for roots, logarithms and divisions at zero, also behind a torch.where.",
        line=spot.line,
        kind=ErrorKind.NOT_FINITE,
    )


def _differentiate(block: Block, X: Array, G: Array) -> tuple[list[Gradient], Array | None]:
    answer = dict(block.call("backward", X=X, G=G))
    given = answer.pop("X", None)
    if given is not None and not (isinstance(given, np.ndarray) and given.dtype.kind == "f"):
        given = None
    return block.read(Gradients, answer).gradients, given


def _spot(block: Block, X: Array, G: Array) -> Spot:
    spot = block.ask(Spot, "blame_backward", X=X, G=G)
    unit = block.unit(spot.unit)
    return Spot(unit=unit, line=block.line(unit, spot.line))


def _idle(block: Block, sizes: Sizes, depth: int) -> tuple[list[list[Gradient]], Array | None]:
    """The parameters that get no gradient in any block, and the gradient of X."""
    build(block, sizes.width, depth, open_gates=True)
    shape = (2, LENGTH, sizes.width)
    gradients, given = _differentiate(block, noise(*shape), noise(*shape, seed=1))
    by_name: dict[str, list[Gradient]] = defaultdict(list)
    for gradient in gradients:
        by_name[gradient.name].append(gradient)
    return [found for found in by_name.values() if all(g.zero for g in found)], given


def _unused(block: Block, idle: list[list[Gradient]]) -> Fault:
    never = [found for found in idle if not any(g.given for g in found)]
    parameter = (never or idle)[0][0]
    if never:
        return block.blamed(
            parameter,
            f"Parameter {parameter.name} gets no gradient: nothing that the loss sees is computed "
            "from it.",
            "Use it in the output, or remove it; do not detach it.",
            ErrorKind.UNUSED_PARAMETER,
        )
    return block.blamed(
        parameter,
        f"Parameter {parameter.name} gets a gradient of exactly zero.",
        "Replace what has no slope (rounding, sign, comparison, a clamp that always holds).",
        ErrorKind.ZERO_GRADIENT,
    )
