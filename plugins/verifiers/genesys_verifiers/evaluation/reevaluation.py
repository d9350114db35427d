"""Scores a kept model again, in guests like those that scored it first."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from genesys.errors import GenesysError, SandboxError
from genesys.files import sha256_of
from genesys.records import Outcome, Score, VerificationReport
from genesys.sandbox import Limits, Sandbox
from genesys_verifiers.checkpoints.pieces import cut
from genesys_verifiers.checkpoints.trained import BLOCK, TOKENIZER, WEIGHTS, ModelFile
from genesys_verifiers.corpus import Corpus
from genesys_verifiers.evaluation.examiner import Examiner
from genesys_verifiers.evaluation.judging import baseline, judge
from genesys_verifiers.evaluation.kept import kept
from genesys_verifiers.faults import DesignFaultError
from genesys_verifiers.opening import Opener
from genesys_verifiers.settings import Settings, Task


class KeptModel:
    """A model as a verification has kept it.

    Args:
        folder: That it is kept in.

    Raises:
        GenesysError: The folder holds no whole model.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._file = folder, ModelFile.of(folder)
        self._file.check(folder)

    def evaluate(
        self,
        sandbox: Sandbox,
        limits: Limits,
        settings: Settings,
        corpus: Corpus,
        examiner: Examiner,
    ) -> VerificationReport:
        """Score it.

        Args:
            sandbox: Where it runs.
            limits: Of all guests together.
            settings: For the guests.
            corpus: Of its tokenizer.
            examiner: With the tasks.

        Raises:
            GenesysError: It was trained with another tokenizer.
        """
        started, file = time.monotonic(), self._file
        if sha256_of(corpus.tokenizer_file) != file.sha256[TOKENIZER]:
            raise GenesysError(
                f"The model in {self._folder} was trained with another tokenizer than that of the "
                "configured corpus. Give the corpus that it was trained on, with corpus=NAME and "
                "its parameters."
            )
        found: dict[str, object] = {}
        try:
            open_ = Opener(sandbox, self._task(settings), corpus, limits)
            found["parameters"], found["scores"] = self._judged(open_, examiner)
        except DesignFaultError as fault:
            found |= {"outcome": Outcome.DESIGN_ERROR, "error": f"evaluation: {fault}"}
        except SandboxError as error:
            found |= {"outcome": Outcome.MACHINE_ERROR, "error": str(error)}
        return VerificationReport(
            design=file.design,
            scale=file.scale,
            seed=file.seed,
            n_block=file.n_block,
            embed_dim=file.embed_dim,
            seconds=time.monotonic() - started,
        ).model_copy(update=found)

    def _judged(self, open_: Opener, examiner: Examiner) -> tuple[int, list[Score]]:
        file = self._file
        size = file.n_block, file.embed_dim
        with open_.built(*size) as model:
            parameters = model.parameters(*size)
            untrained = baseline(model, examiner, kept(examiner.key, open_.task, size))
        weights = cut((self._folder / WEIGHTS).read_bytes())
        trained = partial(open_.built, *size, weights)
        found = kept(examiner.key, open_.task, size, weights)
        return parameters, judge(trained, examiner, untrained, found)

    def _task(self, settings: Settings) -> Task:
        return Task(
            block=(self._folder / BLOCK).read_text("utf-8"),
            learning_rate=1.0,  # nothing is trained
            steps=1,
            seed=self._file.seed,
            vocab_size=self._file.vocab_size,
            settings=settings,
        )
