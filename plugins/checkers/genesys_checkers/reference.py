"""What the GPT seed costs on this machine, measured once and kept."""

from __future__ import annotations

import hashlib
import json
import platform
from contextlib import suppress
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from tempfile import NamedTemporaryFile

from pydantic import ValidationError

from genesys.errors import SandboxError
from genesys.gau.folder import load_tree
from genesys.records import Design
from genesys.resources import cache_root, resource
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
        with suppress(OSError, ValueError):  # none, or no longer what was written
            return Cost.model_validate_json(self._file.read_text("utf-8"))
        found = [self.measure(sandbox) for _ in range(GUESTS)]
        least = min(cost.memory_mb for cost in found)
        best = min(found, key=lambda cost: cost.seconds).model_copy(update={"memory_mb": least})
        with suppress(OSError):  # it is measured again next time
            self._keep(best)
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
    def _file(self) -> Path:
        """Named by all that the cost depends on."""
        terms = {
            "processor": _processor(),
            "torch": version("torch"),
            "threads": self._limits.threads,
            "width": self._width,
            "blocks": self._blocks,
            "shape": [BATCH, LENGTH],
            "units": [unit.code for unit in self._design.units],
            "code": [Path(__file__).with_name(f"{name}.py").read_text("utf-8") for name in CODE],
        }
        key = hashlib.sha256(json.dumps(terms).encode()).hexdigest()[:16]
        return cache_root() / "reference" / f"{key}.json"

    def _keep(self, cost: Cost) -> None:
        """Write in one go, so that a reader never sees half of it."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(
            "w", dir=self._file.parent, suffix=".part", delete=False, encoding="utf-8"
        ) as part:
            part.write(cost.model_dump_json())
        Path(part.name).replace(self._file)


def _processor() -> str:
    """Name of the processor's model."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
