"""The check ``causality``: no output may move when what comes after it is replaced (app. B.1.2)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from pydantic import ValidationError

from genesys.errors import ConfigError
from genesys.markers import hookimpl
from genesys.records import CheckReport, Design, ErrorKind, first_problem
from genesys.sandbox import Limits, Sandbox
from genesys_checkers.block import Block, open_block
from genesys_checkers.faults import Fault
from genesys_checkers.probe import Originals, Shape, compare, record
from genesys_checkers.report import run_check
from genesys_checkers.rounding import DOUBLE, SINGLE
from genesys_checkers.schedule import schedule
from genesys_checkers.trials import Series

# A block may insist on float32 somewhere, or bear no weights but those it starts with.
SETTINGS = ((DOUBLE, True), (SINGLE, True), (DOUBLE, False), (SINGLE, False))
ENDED = (ErrorKind.TIMEOUT, ErrorKind.MEMORY, ErrorKind.CRASH)


class CausalityChecker:
    """Looks for outputs that depend on later positions or on other rows of the batch.

    Args:
        widths: D of the models: the first of these that the block can be run at.
        blocks: Blocks of the models; some trials take one less or two more.
        seconds: Wall time of a guest; there are two, one after the other.
        memory_mb: Memory of a guest, in MiB.

    Raises:
        ConfigError: A value is out of range.
    """

    def __init__(
        self,
        widths: Sequence[int] = (32, 64),
        blocks: int = 2,
        seconds: float = 60.0,
        memory_mb: int = 4096,
    ) -> None:
        if not widths:
            raise ConfigError("checker.causality.widths: name at least one width.")
        try:
            self._shapes = [Shape(width=width, blocks=blocks) for width in widths]
            # One thread: the tensors are small.
            self._limits = Limits(seconds=seconds, memory_mb=memory_mb, threads=1)
        except ValidationError as error:
            raise ConfigError(f"checker.causality.{first_problem(error)}") from None

    @hookimpl
    def check(self, design: Design, sandbox: Sandbox) -> CheckReport:
        """Check a design.

        Returns:
            The report of the row ``causality``; ``checked`` is False when the sandbox could not
            run the design.
        """

        def check() -> None:
            with open_block(design, sandbox, self._limits) as block:
                shape, trials, originals = self._record(block)
            # Its twin sees what is replaced, so that neither can answer from memory.
            with open_block(design, sandbox, self._limits) as twin:
                compare(twin, trials, originals, shape)

        return run_check("causality", check)

    def _record(self, block: Block) -> tuple[Shape, list[Series], Originals]:
        """Original outputs in the sharpest of the settings that the block manages."""
        fault: Fault | None = None
        for shape, (precision, open_gates) in product(self._shapes, SETTINGS):
            trials = schedule(precision, open_gates)
            try:
                return shape, trials, record(block, trials, shape)
            except Fault as found:
                if found.kind in ENDED:
                    raise
                fault = found
        assert fault is not None
        raise fault
