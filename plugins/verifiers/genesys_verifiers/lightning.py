"""The verifier plugin: prepares the corpus and hands everything else to a sandbox worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from genesys.errors import ConfigError, SandboxError
from genesys.gau.compose import compose
from genesys.gau.folder import load_tree
from genesys.gau.tree import GAUTree
from genesys.markers import hookimpl
from genesys.records import CurvePoint, Design, Outcome, Scale, VerificationReport, first_problem
from genesys.resources import resource
from genesys.sandbox import Job, JobResult, JobStatus, Limits, Sandbox
from genesys.sandbox.channel import printable
from genesys_verifiers.answer import doubt, with_error
from genesys_verifiers.corpus import Corpus, CorpusConfig, prepare
from genesys_verifiers.settings import Outcome as WorkerOutcome
from genesys_verifiers.settings import Settings, Task

ENTRY = "genesys_verifiers.worker:run"
REFERENCE = "gpt2"


class LightningVerifier:
    """Tunes a design to a scale, trains it with Lightning and evaluates it with lm-eval.

    Args:
        corpus: A config of group ``corpus``, see :class:`CorpusConfig`.
        memory_mb: Most memory of a worker, in MiB.
        seconds: Longest wall time of a verification, apart from the time for training.
        seconds_per_million_tokens: Longest wall time of training.
        **settings: See :class:`Settings`.

    Raises:
        ConfigError: A parameter or its value is not one of these.
    """

    def __init__(
        self,
        corpus: dict[str, Any],
        memory_mb: int = 4096,
        seconds: float = 120.0,
        seconds_per_million_tokens: float = 300.0,
        **settings: Any,
    ) -> None:
        try:
            self._corpus_config = CorpusConfig.model_validate(corpus)
            self._settings = Settings.model_validate(settings)
        except ValidationError as error:
            raise ConfigError(f"verifier.lightning: {first_problem(error)}") from None
        self._memory_mb = memory_mb
        self._seconds, self._seconds_per_million = seconds, seconds_per_million_tokens

    @cached_property
    def corpus(self) -> Corpus:
        """The corpus, built at first use unless the cache has it.

        Raises:
            GenesysError: The cache cannot be written, or there is too little text.
        """
        return prepare(self._corpus_config)

    @hookimpl
    def verify(
        self,
        design: Design,
        scale: Scale,
        seed: int,
        sandbox: Sandbox,
        progress: Callable[[CurvePoint], None],
    ) -> VerificationReport:
        """Verify one design at one scale.

        Raises:
            GenesysError: The corpus cannot be built, or the design's tree is not whole.
        """
        job = self._job(design, scale, seed)
        begun = False

        def on_event(event: dict[str, Any]) -> None:
            nonlocal begun
            if begun:
                progress(CurvePoint.model_validate(event.get("point")))
            begun = True  # the first event says that the design is about to be loaded

        report = VerificationReport(design=design.name, scale=scale.name, seed=seed)
        try:
            result = sandbox.run(job, on_event)
        except ValidationError as error:
            return _failed(report, Outcome.DESIGN_ERROR, _nonsense(error))
        except SandboxError as error:
            return _failed(report, Outcome.MACHINE_ERROR, str(error))
        report = report.model_copy(update={"seconds": result.seconds})
        if result.status is JobStatus.RAISED and not begun:
            return _failed(report, Outcome.MACHINE_ERROR, result.message)
        if result.status is not JobStatus.OK:
            return _failed(report, Outcome.DESIGN_ERROR, f"the worker ended: {result.message}")
        return _report(
            report, result, self._settings.tokens(scale), self.corpus.manifest()["items"]
        )

    def _job(self, design: Design, scale: Scale, seed: int) -> Job:
        folder = str(self.corpus.folder)
        task = Task(
            block=compose(GAUTree.of(design)),
            reference=compose(load_tree(resource("seeds") / REFERENCE)),
            scale=scale,
            seed=seed,
            corpus=folder,
            settings=self._settings,
        )
        limits = Limits(
            seconds=self._seconds + self._seconds_per_million * scale.tokens / 1e6,
            memory_mb=self._memory_mb,
            threads=self._settings.threads,
            readable=[folder],
        )
        return Job(entry=ENTRY, payload=task.model_dump(mode="json"), limits=limits)


def _failed(report: VerificationReport, outcome: Outcome, error: str) -> VerificationReport:
    return report.model_copy(update={"outcome": outcome, "error": error})


def _nonsense(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(map(str, first["loc"]))[:100]
    return f"the worker sent nonsense: {printable(where)}: {first['msg'][:200]}"


def _report(
    report: VerificationReport, result: JobResult, tokens: int, items: Mapping[str, int]
) -> VerificationReport:
    """Read what the worker says, which may be anything."""
    try:
        said = WorkerOutcome.model_validate(result.value)
    except ValidationError as error:
        return _failed(report, Outcome.DESIGN_ERROR, _nonsense(error))
    wrong = printable(said.fault) or doubt(said, tokens, items)
    scores = [] if wrong else [with_error(score, items[score.task]) for score in said.scores]
    report = report.model_copy(
        update={
            **{name: getattr(said, name) for name in ("n_block", "embed_dim", "parameters")},
            **{name: getattr(said, name) for name in ("tokens", "curve")},
            "scores": scores,
            "tokens_per_second": said.tokens / max(said.train_seconds, 1e-3),
        }
    )
    return _failed(report, Outcome.DESIGN_ERROR, wrong) if wrong else report
