"""A checker in one file: a limit on the time that a block takes for a token."""

from __future__ import annotations

import numpy as np

from genesys.markers import hookimpl
from genesys.records import CheckReport, Design, ErrorKind
from genesys.sandbox import Sandbox
from genesys_checkers.block import Block
from genesys_checkers.faults import Fault
from genesys_checkers.report import run_checks


class LatencyChecker:
    """Rejects designs that are slow at reading.

    Args:
        microseconds: Most processor time for a token.
        length: Of the sequence that is read.
        width: Of the model.
    """

    def __init__(self, microseconds: float, length: int = 256, width: int = 64) -> None:
        self.microseconds, self.length, self.width = microseconds, length, width

    @hookimpl
    def check(self, design: Design, sandbox: Sandbox) -> CheckReport:
        """Run the design in a guest; what is measured there is judged here."""
        return run_checks([("latency", self._latency)], design, sandbox)

    def _latency(self, block: Block) -> None:
        X = np.random.default_rng(0).standard_normal((1, self.length, self.width))
        block.build(self.width)
        block.forward(X)  # the first pass pays for more than itself
        before = block.guest.cpu_seconds()
        for _ in range(5):
            block.forward(X)
        spent = (block.guest.cpu_seconds() - before) / 5 / self.length * 1e6
        if spent > self.microseconds:
            raise Fault(
                f"A token takes {spent:.0f} µs, at most {self.microseconds:g} are allowed.",
                hint="Compute all positions at once, with fewer operations.",
                kind=ErrorKind.COST,
            )
