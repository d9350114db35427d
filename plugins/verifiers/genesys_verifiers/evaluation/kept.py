"""Scores that were found before, so that no model is scored twice on the same tasks.

Only the trusted half writes here, and only what it has made itself: scores of an untrained model,
and those of a trained one that has passed the audit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path

from pydantic import BaseModel, ConfigDict

import genesys
from genesys.measurements import Measurement
from genesys.records import Score
from genesys_verifiers.remote import Array
from genesys_verifiers.settings import Task

FOLDER = "scores"
CODE = [Path(__file__).parents[1], Path(genesys.__file__).parent / "gau"]
# What only a training goes by; whatever else there is may change what a model answers.
OF_TRAINING = {
    *("batch_size", "micro_batch", "warmup", "floor", "betas", "epsilon", "weight_decay", "clip"),
    *("precision", "compile", "loop", "most_step_ratio"),
}


class Scores(BaseModel):
    """Of one model, on one task set.

    Attributes:
        scores: By task.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scores: list[Score]


def kept(
    exams: str, task: Task, size: tuple[int, int], weights: Iterable[Array] = ()
) -> Measurement[Scores]:
    """The file of a model's scores; not there, or not whole, unless it was scored on this machine.

    Args:
        exams: Identifies the items, the tokenizer, and how answers are read.
        task: What guests are told.
        size: Number of blocks, and width.
        weights: What the model has learnt, in pieces; none before training.
    """
    learnt = hashlib.sha256()
    for piece in weights:
        learnt.update(piece.data)
    terms = {
        "exams": exams,
        "block": task.block,
        "seed": task.seed,
        "vocab_size": task.vocab_size,
        "settings": task.settings.model_dump(mode="json", exclude=OF_TRAINING),
        "size": list(size),
        "weights": learnt.hexdigest(),
        "code": _code(),
        "lm_eval": version("lm_eval"),
    }
    return Measurement(Scores, terms, FOLDER)


@cache
def _code() -> str:
    """The code that asks, answers and scores, as it was when this process scored first."""
    digest = hashlib.sha256()
    for folder in CODE:
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()
