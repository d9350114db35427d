"""What the GPT seed costs on this machine, measured once and kept."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from genesys.errors import SandboxError
from genesys.gau.folder import load_tree
from genesys.measurements import Measurement
from genesys.records import Design
from genesys.resources import resource
from genesys.sandbox import Limits, Sandbox
from genesys_checkers.block import open_block
from genesys_checkers.cost import BATCH, LENGTH, Cost, measure
from genesys_checkers.faults import Fault

SEED = "gpt2"
# The code that measures: when it changes, what was kept no longer counts.
CODE = ("cost", "learning", "guest_model", "guest_training", "guest_work")
# Guests and steps in each: few enough to be quick, enough to meet a quiet moment.
GUESTS, STEPS = 3, 8


class Reference:
    """The GPT seed, to compare designs with.

    Args:
        width: D.
        blocks: Number of blocks.
        limits: Of its guests, the same as those of designs.
    """

    def __init__(self, width: int, blocks: int, limits: Limits) -> None:
        self._width, self._blocks, self._limits = width, blocks, limits

    def cost(self, sandbox: Sandbox) -> Cost:
        """What is kept in the cache, or what is measured now.

        Raises:
            SandboxError: It cannot be measured.
        """
        if (kept := self._kept.read()) is not None:
            return kept
        found = [self.measure(sandbox) for _ in range(GUESTS)]
        least = min(cost.memory_mb for cost in found)
        best = min(found, key=lambda cost: cost.seconds).model_copy(update={"memory_mb": least})
        self._kept.keep(best)
        return best

    def measure(self, sandbox: Sandbox) -> Cost:
        """Measure in a fresh guest.

        Raises:
            SandboxError: It cannot be measured.
        """
        try:
            with open_block(self._design, sandbox, self._limits) as block:
                return measure(block, self._width, self._blocks, STEPS)
        except (Fault, ValidationError) as error:
            raise SandboxError(f"The GPT seed cannot be measured here: {error}") from error

    @cached_property
    def _design(self) -> Design:
        return load_tree(resource("seeds") / SEED).as_design(name=SEED)

    @cached_property
    def _kept(self) -> Measurement[Cost]:
        """Named by all that the cost depends on."""
        terms = {
            "threads": self._limits.threads,
            "width": self._width,
            "blocks": self._blocks,
            "shape": [BATCH, LENGTH],
            "units": [unit.code for unit in self._design.units],
            "code": [Path(__file__).with_name(f"{name}.py").read_text("utf-8") for name in CODE],
        }
        return Measurement(Cost, terms)
