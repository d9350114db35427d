"""Part of row ``forward``: what the block carries in Z is well-formed."""

from __future__ import annotations

from collections import Counter
from math import prod

from genesys.records import ErrorKind
from genesys_checkers.block import Block
from genesys_checkers.claims import Carried, Leaf
from genesys_checkers.faults import Fault
from genesys_checkers.rows.inputs import Sizes, build, noise

DEPTH = 8
BATCHES = (2, 4)
# From block 4 to block 8, Z that grows by the same in each block doubles.
MAX_GROWTH = 3.0


def check(block: Block, sizes: Sizes) -> None:
    """Look at Z after each of 8 blocks, and at two batches.

    Raises:
        Fault: It holds something else than tensors and plain values in dicts and lists; has NaN or
            infinity; has an axis that follows the batch in part; or grows faster than the depth.
    """
    length = sorted(sizes.lengths)[len(sizes.lengths) // 2]
    build(block, sizes.width, DEPTH)
    small, large = (_carried(block, B, length, sizes.width) for B in BATCHES)
    for leaf in small:
        _check_kind(leaf)
    _check_batch(small, large)
    _check_growth(small)


def _carried(block: Block, B: int, L: int, D: int) -> list[Leaf]:
    leaves = block.ask(Carried, "carry", X=noise(B, L, D, seed=B)).leaves
    return [leaf.model_copy(update={"unit": block.unit(leaf.unit)}) for leaf in leaves]


def _check_kind(leaf: Leaf) -> None:
    if leaf.kind not in {"tensor", "simple"}:
        raise _fault(
            leaf,
            f"holds a {leaf.kind}",
            "Put tensors, numbers or None in Z, in dicts and lists, under string keys.",
        )
    if leaf.odd:
        raise _fault(leaf, "has NaN or infinity", "Bound what is carried from block to block.")


def _check_batch(small: list[Leaf], large: list[Leaf]) -> None:
    """With twice the rows, and others, an axis is as it was or twice as long."""
    for one, two in zip(small, large, strict=False):
        grown = [(a, b) for a, b in zip(one.shape, two.shape, strict=False) if a != b]
        if one.shape and not grown and one.digest != two.digest:
            raise _fault(
                one,
                f"has shape {tuple(one.shape)} for any batch though it depends on X",
                "Keep one entry for each row of the batch.",
            )
        if len(one.shape) != len(two.shape) or any(b != 2 * a for a, b in grown):
            raise _fault(
                one,
                f"has shape {tuple(one.shape)} for 2 rows and {tuple(two.shape)} for 4",
                "Keep one entry for each row of the batch.",
            )


def _check_growth(leaves: list[Leaf]) -> None:
    sizes: Counter[tuple[str, int]] = Counter()
    for leaf in leaves:
        sizes[leaf.key, leaf.block] += max(1, prod(leaf.shape))
    total: Counter[int] = Counter()
    for (_, index), size in sizes.items():
        total[index] += size
    if total[DEPTH - 1] <= MAX_GROWTH * total[DEPTH // 2 - 1]:
        return
    last = [leaf for leaf in leaves if leaf.block == DEPTH - 1]
    most = max(last, key=lambda leaf: sizes[leaf.key, leaf.block])
    raise _fault(
        most,
        f"grows from block to block: Z has {total[DEPTH // 2 - 1]} numbers after block "
        f"{DEPTH // 2} and {total[DEPTH - 1]} after block {DEPTH}",
        "Replace what is carried, do not add to it.",
    )


def _fault(leaf: Leaf, what: str, hint: str) -> Fault:
    message = f"Z[{leaf.path!r}] {what} (after block {leaf.block + 1})."
    return Fault(message, leaf.unit, hint, kind=ErrorKind.STATE)
