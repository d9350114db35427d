"""The verifier plugin: prepares the corpus, and says whose fault it is when a design fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from threadpoolctl import threadpool_limits

from genesys.errors import ConfigError, SandboxError
from genesys.gau.compose import compose
from genesys.gau.tree import GAUTree
from genesys.markers import hookimpl
from genesys.records import (
    Benchmark,
    CurvePoint,
    Design,
    Efficiency,
    Outcome,
    Scale,
    Subject,
    VerificationReport,
    first_problem,
)
from genesys.sandbox import Limits, Sandbox
from genesys_verifiers.acceleration import Acceleration
from genesys_verifiers.checkpoints.finished import Finished
from genesys_verifiers.checkpoints.saving import Saving
from genesys_verifiers.corpus import corpus_of
from genesys_verifiers.curricula import Curriculum, Probes, Text
from genesys_verifiers.efficiency.beside import Lengths, beside_reference
from genesys_verifiers.efficiency.meter import Meter
from genesys_verifiers.faults import DesignFaultError
from genesys_verifiers.loggers import Log, Logging
from genesys_verifiers.opening import Opener
from genesys_verifiers.reference import Reference, References, code
from genesys_verifiers.repeats import Done, Progress, repeated
from genesys_verifiers.settings import Accelerator, Settings, Task
from genesys_verifiers.tasks.config import TaskSet


class LightningVerifier:
    """Tunes a design to a scale, trains it with Lightning and evaluates it with lm-eval.

    Args:
        corpus: A config of group ``corpus``: the source's name and its parameters.
        tasks: A config of group ``tasks``, see :class:`TaskSet`; None for the local ones.
        logger: A config of group ``logger``: its name and its parameters; None logs nothing.
        memory_mb: Most memory of a guest, in MiB.
        seconds: Longest wall time of a verification, apart from the time for training.
        seconds_per_million_tokens: Longest wall time of training.
        checkpoints: Folder for training checkpoints and trained models; None to keep neither.
        checkpoint_seconds: Wall time of training between two checkpoints; 0 for none.
        keep_weights: Whether to keep the model of each design that was verified.
        efficiency_lengths: Of sequences, in tokens, on which a verified design is measured beside
            the reference; none for no such measurement.
        **settings: See :class:`Settings`.

    Raises:
        ConfigError: A parameter or its value is not one of these.
    """

    def __init__(
        self,
        corpus: dict[str, Any],
        tasks: dict[str, Any] | None = None,
        logger: dict[str, Any] | None = None,
        memory_mb: int = 4096,
        seconds: float = 120.0,
        seconds_per_million_tokens: float = 300.0,
        checkpoints: str | None = None,
        checkpoint_seconds: float = 300.0,
        keep_weights: bool = True,
        efficiency_lengths: Sequence[int] = (),
        **settings: Any,
    ) -> None:
        try:
            source = corpus_of(corpus)
            self._task_set = TaskSet.model_validate(tasks or {})
            self._settings = Settings.model_validate(settings)
            self._saving = Saving(
                checkpoints=checkpoints,
                checkpoint_seconds=checkpoint_seconds,
                keep_weights=keep_weights,
            )
            self._lengths = Lengths.model_validate({"efficiency_lengths": efficiency_lengths})
        except ValidationError as error:
            raise ConfigError(f"verifier.lightning: {first_problem(error)}") from None
        length, threads = self._settings.sequence_length, self._settings.threads
        self._text = Text(source, self._task_set, length, threads)
        self._probes = Probes()
        self._logging = Logging(logger)
        self._acceleration = Acceleration(self._settings.accelerator)
        self._memory_mb = memory_mb
        self._seconds, self._seconds_per_million = seconds, seconds_per_million_tokens
        self._references = References()

    @hookimpl
    def verify(
        self,
        design: Design,
        scale: Scale,
        seed: int,
        sandbox: Sandbox,
        progress: Callable[[CurvePoint], None],
    ) -> VerificationReport:
        """Verify one design at one scale, with as many seeds as it asks for.

        Raises:
            GenesysError: The corpus cannot be built, or the design's tree is not whole.
        """
        block = compose(GAUTree.of(design))
        self._settle(sandbox)

        def train(own: int, progress: Progress, done: Done) -> VerificationReport:
            task = self._task(block, scale, own)
            lengths = self._lengths.efficiency_lengths if own == seed else []
            with self._logging.begin(design, scale, task) as log:
                report = self._trained(design, scale, task, sandbox, progress, done, lengths, log)
                log.end(report)
            return report

        def finished(seed: int) -> Finished:
            task = self._task(block, scale, seed)
            corpus = self._curriculum(scale).corpus
            return self._saving.finished(design.name, scale, task, corpus, self._task_set)

        return repeated(train, scale, seed, finished, progress)

    def _trained(
        self,
        design: Design,
        scale: Scale,
        task: Task,
        sandbox: Sandbox,
        progress: Progress,
        done: Done,
        lengths: Sequence[int],
        log: Log,
    ) -> VerificationReport:
        """The report of one seed, with what the design takes on sequences of these lengths."""
        from genesys_verifiers.verification import Verification

        started, seed = time.monotonic(), task.seed
        curriculum = self._curriculum(scale)
        report = VerificationReport(design=design.name, scale=scale.name, seed=seed)
        found: dict[str, Any] = {}
        checkpoints = verification = None
        try:
            reference = self._reference(scale, seed, sandbox)
            task = task.in_precision(reference.precision, reference.compiled)
            checkpoints = self._saving.training(design.name, scale, task, curriculum.corpus)
            verification = Verification(
                self._opener(task, scale, sandbox),
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
            found["efficiency"] = self._beside(design.name, task, scale, sandbox, found, lengths)
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

    def kept(self, report: VerificationReport) -> Path | None:
        """The folder in which the model of a verification is kept, if it is."""
        return self._saving.kept(report)

    def benchmark(self, scale: Scale, sandbox: Sandbox) -> Benchmark:
        """Measure the GPT reference at a scale anew.

        Raises:
            SandboxError: The machine cannot do that.
        """
        self._settle(sandbox)
        task = self._task(code(), scale, 0)
        reference = self._references.renew(task, scale, self._opener(task, scale, sandbox))
        task = task.in_precision(reference.precision)
        return Meter(sandbox, self._limits(scale.tokens), scale).benchmark(task, reference)

    def efficiency(
        self, design: Design, scale: Scale, lengths: Sequence[int], sandbox: Sandbox
    ) -> Iterator[Efficiency]:
        """Measure the GPT reference and a design by turns, at several lengths.

        Raises:
            GenesysError: The design does not run, or the machine cannot measure it.
        """
        self._settle(sandbox)
        reference = self._reference(scale, 0, sandbox)
        tasks = [
            self._task(block, scale, 0).in_precision(reference.precision)
            for block in (code(), compose(GAUTree.of(design)))
        ]
        meter = Meter(sandbox, self._limits(scale.tokens), scale)
        return meter.compare(tasks[0], (design.name, tasks[1]), reference.parameters, lengths)

    def evaluate(self, folder: Path, sandbox: Sandbox) -> VerificationReport:
        """Score a model that was kept, on the configured tasks.

        Raises:
            GenesysError: The folder holds no whole model, or one with another tokenizer.
        """
        from genesys_verifiers.evaluation.reevaluation import KeptModel

        self._settle(sandbox)
        model = KeptModel(folder)
        limits = self._limits(tokens=0)
        text = self._text
        return model.evaluate(sandbox, limits, self._settings, text.corpus, text.examiner)

    def export(self, folder: Path, out: Path) -> None:
        """Write a model that was kept as a folder that needs no Genesys.

        Raises:
            GenesysError: See :func:`genesys_verifiers.export.export`.
        """
        from genesys_verifiers.export import export

        export(folder, out)

    def _beside(
        self,
        design: str,
        task: Task,
        scale: Scale,
        sandbox: Sandbox,
        found: Mapping[str, Any],
        lengths: Sequence[int],
    ) -> list[Efficiency]:
        if not lengths:
            return []
        meter = Meter(sandbox, self._limits(tokens=0), scale)
        task = task.taking(found["micro_batch"])
        reference = task.model_copy(update={"block": code()})
        size = found["n_block"], found["embed_dim"]
        return beside_reference(meter, reference, (design, task), size, lengths)

    def _settle(self, sandbox: Sandbox) -> None:
        """Settle on the accelerator that guests can use."""
        found = self._acceleration.settle(sandbox)
        self._settings = self._settings.model_copy(update={"accelerator": found})

    def _reference(self, scale: Scale, seed: int, sandbox: Sandbox) -> Reference:
        task = self._task(code(), scale, seed)
        return self._references.of(task, scale, self._opener(task, scale, sandbox))

    def _curriculum(self, scale: Scale) -> Curriculum:
        return self._probes if scale.trains is Subject.PROBES else self._text

    def _task(self, block: str, scale: Scale, seed: int) -> Task:
        curriculum = self._curriculum(scale)
        settings = curriculum.settings(self._settings)
        return Task(
            block=block,
            learning_rate=scale.learning_rate,
            steps=settings.steps(scale),
            seed=seed,
            vocab_size=curriculum.corpus.vocab_size,
            subject=scale.trains,
            settings=settings,
            memory_mb=self._memory_mb if settings.micro_batch == "auto" else 0,
        )

    def _opener(self, task: Task, scale: Scale, sandbox: Sandbox) -> Opener:
        corpus = self._curriculum(scale).corpus
        return Opener(sandbox, task, corpus, self._limits(scale.tokens))

    def _limits(self, tokens: int) -> Limits:
        return Limits(
            seconds=self._seconds + self._seconds_per_million * tokens / 1e6,
            memory_mb=self._memory_mb,
            threads=self._settings.threads,
            gpu=self._settings.accelerator is Accelerator.CUDA,
        )
