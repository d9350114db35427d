"""The checks that run the block: does it work at all (table 1)?"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError

from genesys.errors import ConfigError
from genesys.markers import hookimpl
from genesys.records import CheckReport, Design, first_problem
from genesys.sandbox import Sandbox
from genesys_checkers.report import run_checks
from genesys_checkers.rows import forward, gradients, initialization, unit_tests
from genesys_checkers.rows.inputs import Sizes


class ExecutionChecker:
    """Builds, runs and differentiates the block, and runs the units' own tests.

    Rows: initialization, forward, unit_tests, backward, differentiability; it stops at the first
    that fails.

    Args:
        lengths: L of the sequences.
        widths: D of the models; the first serves all checks, the others build and run.
        blocks: Blocks of the models.
        seconds: Wall time of all checks.
        memory_mb: Memory of the guest, in MiB.

    Raises:
        ConfigError: A value is out of range.
    """

    def __init__(
        self,
        lengths: Sequence[int] = (1, 7, 33, 64, 257, 512),
        widths: Sequence[int] = (64, 128),
        blocks: int = 2,
        seconds: float = 60.0,
        memory_mb: int = 4096,
    ) -> None:
        try:
            sizes = Sizes(lengths=list(lengths), widths=list(widths), blocks=blocks)
        except ValidationError as error:
            raise ConfigError(f"checker.execution.{first_problem(error)}") from None
        # One thread: the tensors are small.
        self._limits = {"seconds": seconds, "memory_mb": memory_mb, "threads": 1}
        self._rows = (
            ("initialization", lambda block: initialization.check(block, sizes)),
            ("forward", lambda block: forward.check(block, sizes)),
            ("unit_tests", unit_tests.check),
            ("backward", lambda block: gradients.check_finite(block, sizes)),
            ("differentiability", lambda block: gradients.check_used(block, sizes)),
        )

    @hookimpl
    def check(self, design: Design, sandbox: Sandbox) -> CheckReport:
        """Check a design; see the class.

        Returns:
            The report; ``checked`` is False when the sandbox could not run the design.
        """
        limits = sandbox.limits.model_copy(update=self._limits)
        return run_checks(self._rows, design, sandbox, limits)
