"""What rounds is not taken for a leak, whatever the length and the size of the input."""

from __future__ import annotations

import pytest

from genesys.sandbox import Sandbox
from genesys_checkers.block import open_block
from genesys_checkers.probe import Shape, compare, record
from genesys_checkers.rounding import DOUBLE
from genesys_checkers.schedule import SCALES
from genesys_checkers.trials import Series, Trial

from .conftest import root_over, unit
from .zoo import CAUSAL

SHAPE = Shape(width=32, blocks=2)
LENGTHS = (31, 40, 63, 64, 65, 66, 137)


@pytest.mark.parametrize("name", [name for name in CAUSAL if "Fourier" in name])
def test_rounding_is_not_accused(name: str, sandbox: Sandbox) -> None:
    trials = [_at_scales(length) for length in LENGTHS]
    series = [Series(DOUBLE, tuple(trials), open_gates=True)]
    with open_block(root_over(unit(*CAUSAL[name])), sandbox) as block:
        compare(block, series, record(block, series, SHAPE), SHAPE)


def _at_scales(length: int) -> Trial:
    cuts = tuple(cut for cut in (1, length // 2, length - 1) for _ in SCALES)
    return Trial(length, cuts, len(cuts), scales=SCALES)
