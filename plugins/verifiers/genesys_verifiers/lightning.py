"""The verifier plugin: tunes, trains with Lightning, and evaluates with lm-eval."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from genesys.errors import ConfigError
from genesys.gau.compose import compose
from genesys.gau.tree import GAUTree
from genesys.markers import hookimpl
from genesys.records import (
    Benchmark,
    CurvePoint,
    Design,
    Efficiency,
    Scale,
    VerificationReport,
    first_problem,
)
from genesys.sandbox import Sandbox
from genesys_verifiers.checkpoints.finished import Finished
from genesys_verifiers.checkpoints.saving import Saving
from genesys_verifiers.corpus import corpus_of
from genesys_verifiers.curricula import Text
from genesys_verifiers.efficiency.beside import Lengths
from genesys_verifiers.loggers import Logging
from genesys_verifiers.reference import code
from genesys_verifiers.repeats import Done, Progress, repeated
from genesys_verifiers.settings import Settings
from genesys_verifiers.tasks.config import TaskSet
from genesys_verifiers.trial import Trial
from genesys_verifiers.workshop import Workshop


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
            train = Settings.model_validate(settings)
            self._saving = Saving(
                checkpoints=checkpoints,
                checkpoint_seconds=checkpoint_seconds,
                keep_weights=keep_weights,
            )
            self._lengths = Lengths.model_validate({"efficiency_lengths": efficiency_lengths})
        except ValidationError as error:
            raise ConfigError(f"verifier.lightning: {first_problem(error)}") from None
        text = Text(source, self._task_set, train.sequence_length, train.threads)
        self._workshop = Workshop(train, text, memory_mb, seconds, seconds_per_million_tokens)
        self._logging = Logging(logger)

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
        workshop, block = self._workshop, compose(GAUTree.of(design))
        workshop.settle(sandbox)
        trial = Trial(workshop, self._saving, design, scale, sandbox)

        def train(own: int, progress: Progress, done: Done) -> VerificationReport:
            task = workshop.task(block, scale, own)
            lengths = self._lengths.efficiency_lengths if own == seed else []
            with self._logging.begin(design, scale, task) as log:
                report = trial.run(task, progress, done, lengths, log)
                log.end(report)
            return report

        def finished(own: int) -> Finished:
            task, corpus = workshop.task(block, scale, own), workshop.curriculum(scale).corpus
            return self._saving.finished(design.name, scale, task, corpus, self._task_set)

        return repeated(train, scale, seed, finished, progress)

    def kept(self, report: VerificationReport) -> Path | None:
        """The folder in which the model of a verification is kept, if it is."""
        return self._saving.kept(report)

    def benchmark(self, scale: Scale, sandbox: Sandbox) -> Benchmark:
        """Measure the GPT reference at a scale anew.

        Raises:
            SandboxError: The machine cannot do that.
        """
        self._workshop.settle(sandbox)
        reference = self._workshop.reference(scale, 0, sandbox, renew=True)
        task = self._workshop.task(code(), scale, 0).in_precision(reference.precision)
        return self._workshop.meter(scale, sandbox).benchmark(task, reference)

    def efficiency(
        self, design: Design, scale: Scale, lengths: Sequence[int], sandbox: Sandbox
    ) -> Iterator[Efficiency]:
        """Measure the GPT reference and a design by turns, at several lengths.

        Raises:
            GenesysError: The design does not run, or the machine cannot measure it.
        """
        workshop = self._workshop
        workshop.settle(sandbox)
        reference = workshop.reference(scale, 0, sandbox)
        gpt, own = (
            workshop.task(block, scale, 0).in_precision(reference.precision)
            for block in (code(), compose(GAUTree.of(design)))
        )
        meter = workshop.meter(scale, sandbox)
        return meter.compare(gpt, (design.name, own), reference.parameters, lengths)

    def evaluate(self, folder: Path, sandbox: Sandbox) -> VerificationReport:
        """Score a model that was kept, on the configured tasks.

        Raises:
            GenesysError: The folder holds no whole model, or one with another tokenizer.
        """
        from genesys_verifiers.evaluation.reevaluation import KeptModel

        workshop = self._workshop
        workshop.settle(sandbox)
        text, limits = workshop.text, workshop.limits(tokens=0)
        model = KeptModel(folder)
        return model.evaluate(sandbox, limits, workshop.settings, text.corpus, text.examiner)

    def export(self, folder: Path, out: Path) -> None:
        """Write a model that was kept as a folder that needs no Genesys.

        Raises:
            GenesysError: See :func:`genesys_verifiers.export.export`.
        """
        from genesys_verifiers.export import export

        export(folder, out)
