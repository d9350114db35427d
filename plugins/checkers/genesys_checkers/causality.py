"""Check ``causality``: no output may move when what comes after it is replaced (app. B.1.2)."""

from __future__ import annotations

from genesys.markers import hookimpl
from genesys.records import CheckReport, CheckResult, Design, ErrorKind
from genesys.sandbox import Sandbox
from genesys_checkers.block import Block
from genesys_checkers.faults import Fault
from genesys_checkers.probe import Originals, Shape, compare, record
from genesys_checkers.report import run_checks
from genesys_checkers.rounding import DOUBLE, SINGLE
from genesys_checkers.schedule import schedule
from genesys_checkers.trials import Series

ENDED = (ErrorKind.TIMEOUT, ErrorKind.MEMORY, ErrorKind.CRASH)


class CausalityChecker:
    """Looks for outputs that depend on later positions or on other rows of the batch.

    Args:
        width: D of the models.
        blocks: Number of blocks; a few trials take two more.
        seconds: Wall time of the original and of the replaced inputs, each.
        memory_mb: Memory of a guest, in MiB.
    """

    def __init__(
        self, width: int = 64, blocks: int = 2, seconds: float = 60.0, memory_mb: int = 4096
    ) -> None:
        self._shape = Shape(width, blocks)
        # One thread: the tensors are small.
        self._limits = {"seconds": seconds, "memory_mb": memory_mb, "threads": 1}

    @hookimpl
    def check(self, design: Design, sandbox: Sandbox) -> CheckReport:
        """Check a design.

        Returns:
            The report of the row ``causality``; ``checked`` is False when the sandbox could not
            run the design.
        """
        limits = sandbox.limits.model_copy(update=self._limits)
        seen: list[tuple[list[Series], Originals]] = []

        def first(block: Block) -> None:
            seen.append(self._record(block))

        def second(block: Block) -> None:
            compare(block, *seen[0], self._shape)

        originals = run_checks([("causality", first)], design, sandbox, limits)
        if originals.issues:
            return originals
        replaced = run_checks([("causality", second)], design, sandbox, limits)
        return replaced.model_copy(update={"results": _sum(originals, replaced)})

    def _record(self, block: Block) -> tuple[list[Series], Originals]:
        try:
            trials = schedule(DOUBLE)
            return trials, record(block, trials, self._shape)
        except Fault as fault:
            if fault.kind in ENDED:
                raise
        # The block insists on float32 somewhere.
        trials = schedule(SINGLE)
        return trials, record(block, trials, self._shape)


def _sum(*reports: CheckReport) -> list[CheckResult]:
    """One row for all, with their seconds together."""
    last = reports[-1].results
    seconds = sum(result.seconds for report in reports for result in report.results)
    return [result.model_copy(update={"seconds": seconds}) for result in last]
