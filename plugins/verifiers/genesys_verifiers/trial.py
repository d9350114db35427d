"""One training of one design: tuned, trained, scored and believed, or told why not."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from threadpoolctl import threadpool_limits

from genesys.errors import SandboxError
from genesys.records import Design, Efficiency, Outcome, Scale, VerificationReport
from genesys.sandbox import Sandbox
from genesys_verifiers.checkpoints.saving import Saving
from genesys_verifiers.efficiency.beside import beside_reference
from genesys_verifiers.faults import DesignFaultError
from genesys_verifiers.loggers import Log
from genesys_verifiers.reference import code
from genesys_verifiers.repeats import Done, Progress
from genesys_verifiers.settings import Task
from genesys_verifiers.workshop import Workshop


class Trial:
    """Verifies a design at a scale with one seed after the other."""

    def __init__(
        self, workshop: Workshop, saving: Saving, design: Design, scale: Scale, sandbox: Sandbox
    ) -> None:
        self._workshop, self._saving = workshop, saving
        self._design, self._scale, self._sandbox = design, scale, sandbox

    def run(
        self, task: Task, progress: Progress, done: Done, lengths: Sequence[int], log: Log
    ) -> VerificationReport:
        """The report of one seed.

        Args:
            task: What guests are told, the seed included.
            progress: Told of each point of the training curve.
            done: Told of a report on a sound design.
            lengths: Of sequences on which the design is measured beside the reference.
            log: Told of each step.

        Raises:
            GenesysError: The corpus cannot be built.
        """
        from genesys_verifiers.verification import Verification

        started = time.monotonic()
        design, scale, sandbox = self._design, self._scale, self._sandbox
        curriculum = self._workshop.curriculum(scale)
        report = VerificationReport(design=design.name, scale=scale.name, seed=task.seed)
        found: dict[str, Any] = {}
        checkpoints = verification = None
        try:
            reference = self._workshop.reference(scale, task.seed, sandbox)
            task = task.in_precision(reference.precision, reference.compiled)
            checkpoints = self._saving.training(design.name, scale, task, curriculum.corpus)
            verification = Verification(
                self._workshop.opener(task, scale, sandbox),
                scale,
                task.settings,
                reference,
                curriculum.examiner,
                checkpoints,
                progress,
                log,
            )
            found = verification.found
            with threadpool_limits(1, "blas"):  # idle ones spin, and slow the guest down
                verification.run()
        except (DesignFaultError, SandboxError) as error:
            mine = isinstance(error, SandboxError)
            found |= {
                "outcome": Outcome.MACHINE_ERROR if mine else Outcome.DESIGN_ERROR,
                "error": f"{verification.stage}: {error}" if verification else str(error),
                "scores": [],
            }
        else:
            found["efficiency"] = self._beside(task, found, lengths)
        found["seconds"] = time.monotonic() - started
        if verification:
            found["seconds"] += verification.spent_before
        report = report.model_copy(update=found)
        if verification and report.outcome is Outcome.OK:
            self._saving.keep(design, task, report, verification.weights, curriculum.corpus)
            done(report)
        if checkpoints and report.outcome is not Outcome.MACHINE_ERROR:
            checkpoints.remove()
        return report

    def _beside(
        self, task: Task, found: dict[str, Any], lengths: Sequence[int]
    ) -> list[Efficiency]:
        """The design's efficiency beside the reference's."""
        if not lengths:
            return []
        meter = self._workshop.meter(self._scale, self._sandbox, tokens=0)
        task = task.taking(found["micro_batch"])
        reference = task.model_copy(update={"block": code()})
        size = found["n_block"], found["embed_dim"]
        return beside_reference(meter, reference, (self._design.name, task), size, lengths)
