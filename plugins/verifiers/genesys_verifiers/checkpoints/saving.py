"""What a verification leaves on disk besides its report, and where."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from genesys.files import Piece
from genesys.records import Design, Outcome, Scale, VerificationReport
from genesys_verifiers.checkpoints.finished import Finished
from genesys_verifiers.checkpoints.resumption import Checkpoints
from genesys_verifiers.checkpoints.trained import MODEL, keep_model
from genesys_verifiers.corpus import Corpus
from genesys_verifiers.settings import Task
from genesys_verifiers.tasks.config import TaskSet

log = logging.getLogger(__name__)


class Saving(BaseModel):
    """Config of what to save; none of it changes a result.

    Attributes:
        checkpoints: Folder for all of it; None to save nothing.
        checkpoint_seconds: Wall time of training between two checkpoints; 0 for none.
        keep_weights: Whether to keep the model of each design that was verified.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    checkpoints: str | None = None
    checkpoint_seconds: Annotated[float, Field(ge=0)] = 300.0
    keep_weights: bool = True

    def training(self, design: str, scale: Scale, task: Task, corpus: Corpus) -> Checkpoints | None:
        """The training checkpoint of a verification, if there is a folder for it.

        Args:
            design: Name of the design.
            scale: The scale.
            task: What its guests are told.
            corpus: Of its training tokens.
        """
        folder = self._folder(design, scale.name, task.seed)
        if folder is None:
            return None
        return Checkpoints(folder, _origin(design, scale, task, corpus), self.checkpoint_seconds)

    def finished(
        self, design: str, scale: Scale, task: Task, corpus: Corpus, tasks: TaskSet
    ) -> Finished:
        """The report of a seed that is done before others; kept where checkpoints are.

        Args:
            design: Name of the design.
            scale: The scale.
            task: What its guests are told.
            corpus: Of its training tokens.
            tasks: That it is scored on.
        """
        folder = self._folder(design, scale.name, task.seed) if self.checkpoint_seconds else None
        origin = _origin(design, scale, task, corpus)
        return Finished(folder, {**origin, "tasks": _digest(tasks.model_dump(mode="json"))})

    def keep(
        self,
        design: Design,
        task: Task,
        report: VerificationReport,
        weights: Sequence[Piece],
        corpus: Corpus,
    ) -> None:
        """Keep the model of a finished verification; a disk that refuses is told in the log."""
        folder = self._folder(design.name, report.scale, report.seed)
        if folder is None or not self.keep_weights:
            return
        try:
            keep_model(folder, design, task, report, weights, corpus.tokenizer_file)
        except OSError as error:
            log.warning(
                "The model of %s cannot be kept in %s (%s). Its report is; free some space and "
                "verify the design again to have the model.",
                design.name,
                folder,
                error,
            )

    def kept(self, report: VerificationReport) -> Path | None:
        """Where the model of a verification is kept, if it is."""
        if not self.keep_weights or report.outcome is not Outcome.OK:
            return None  # what may lie there is of an earlier one
        folder = self._folder(report.design, report.scale, report.seed)
        return folder if folder and (folder / MODEL).is_file() else None

    def _folder(self, design: str, scale: str, seed: int) -> Path | None:
        if self.checkpoints is None:
            return None
        return Path(self.checkpoints) / re.sub(r"[^\w.-]", "_", f"{design}-{scale}-{seed}")


def _origin(design: str, scale: Scale, task: Task, corpus: Corpus) -> dict[str, str]:
    """What decides the weights that a training ends with."""
    settings = task.model_dump(mode="json", exclude={"block", "seed", "train_folder"})
    return {
        "design": f"{design} {_digest(task.block)}",
        "scale": scale.name,
        "seed": str(task.seed),
        "settings": _digest(settings),
        "corpus": _digest(corpus.manifest()),
        "torch": version("torch"),
    }


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
