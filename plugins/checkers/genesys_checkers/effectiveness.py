"""The check ``effectiveness``: does the block learn, and at what cost (table 1)?"""

from __future__ import annotations

import math

from pydantic import ValidationError

from genesys.errors import ConfigError
from genesys.markers import hookimpl
from genesys.records import CheckReport, Design, ErrorKind, first_problem
from genesys.sandbox import Limits, Sandbox
from genesys_checkers.appraisal import Appraisal
from genesys_checkers.block import open_block
from genesys_checkers.bounds import Bounds
from genesys_checkers.cost import LENGTH, Cost, slowest
from genesys_checkers.faults import Fault
from genesys_checkers.reference import Reference
from genesys_checkers.report import run_check

# Comparisons with the GPT seed before a design is refused for its time.
ROUNDS = 3
# Beyond this many times of what is allowed there is no doubt.
CLEARLY = 1.3


class EffectivenessChecker:
    """Trains the block for some steps, and compares its cost with the GPT seed's.

    Args:
        width: D of the models.
        blocks: Blocks of the models.
        steps: Training steps.
        step_time_ratio: Most CPU time of a step, in steps of the GPT seed at the same width.
        flop_ratio: Most FLOPs, likewise.
        memory_ratio: Most memory of a step, likewise.
        max_grad_norm: Most gradient norm while training (table 8).
        seconds: Wall time of a guest.
        memory_mb: Memory of a guest, in MiB.

    Raises:
        ConfigError: A value is out of range.
    """

    def __init__(
        self,
        width: int = 64,
        blocks: int = 2,
        steps: int = 10,
        step_time_ratio: float = 5.0,
        flop_ratio: float = 5.0,
        memory_ratio: float = 8.0,
        max_grad_norm: float = 1e4,
        seconds: float = 60.0,
        memory_mb: int = 4096,
    ) -> None:
        try:
            self._bounds = Bounds(
                width=width,
                blocks=blocks,
                steps=steps,
                step_time_ratio=step_time_ratio,
                flop_ratio=flop_ratio,
                memory_ratio=memory_ratio,
                max_grad_norm=max_grad_norm,
            )
            # One thread: the tensors are small, and threads that wait would count as CPU time.
            self._limits = Limits(seconds=seconds, memory_mb=memory_mb, threads=1)
        except ValidationError as error:
            raise ConfigError(f"checker.effectiveness.{first_problem(error)}") from None
        self._reference = Reference(width, blocks, self._limits)

    @hookimpl
    def check(self, design: Design, sandbox: Sandbox) -> CheckReport:
        """Check a design; see the class.

        Returns:
            The report; ``checked`` is False when the sandbox could not run the design.
        """
        return run_check("effectiveness", lambda: self._judge(design, sandbox))

    def _judge(self, design: Design, sandbox: Sandbox) -> None:
        reference = self._reference.cost(sandbox)
        if not self._attempt(design, sandbox, reference, patient=False):
            self._contest(design, sandbox, reference)
            self._attempt(design, sandbox, reference, patient=True)

    def _attempt(self, design: Design, sandbox: Sandbox, reference: Cost, patient: bool) -> bool:
        """Apply all rules; says whether it came to the end, or the design looks too slow."""
        with open_block(design, sandbox, self._limits) as block:
            appraisal = Appraisal(block, self._bounds, reference)
            try:
                appraisal.check_work()
                if not appraisal.train(patient):
                    return False
                appraisal.check_growth()
            except Fault as fault:
                fault.output = "\n".join([*appraisal.notes, fault.output])
                raise
        return True

    def _contest(self, design: Design, sandbox: Sandbox, reference: Cost) -> None:
        """Measure both in turn, so that the load of the machine cancels.

        Raises:
            Fault: A step of the design takes too long.
        """
        ours = theirs = math.inf
        for _ in range(ROUNDS):
            theirs = min(theirs, self._reference.measure(sandbox).seconds)
            with open_block(design, sandbox, self._limits) as block:
                appraisal = Appraisal(block, self._bounds, reference)
                ours = min(ours, appraisal.step_seconds())
                slowness = appraisal.slowness(ours, theirs)
                if slowness <= 1:
                    return
                unit = slowest(block, self._bounds.width, LENGTH)
            if slowness > CLEARLY:
                break
        raise Fault(
            f"A step takes more than {appraisal.most_time:.1f} times as long as the GPT seed's at "
            "the same width.",
            unit,
            "Process positions in parallel or in chunks, not one by one.",
            kind=ErrorKind.COST,
            output="\n".join(appraisal.notes),
        )
