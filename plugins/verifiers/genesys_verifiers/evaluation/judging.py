"""Scores a model before and after its training, and finds out whether to believe it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

import numpy as np

from genesys.measurements import Measurement
from genesys.records import Score
from genesys_verifiers.evaluation.audit import audit
from genesys_verifiers.evaluation.examiner import Examiner
from genesys_verifiers.evaluation.kept import Scores
from genesys_verifiers.evaluation.likelihood import Scorer
from genesys_verifiers.remote import RemoteModel


def baseline(model: RemoteModel, examiner: Examiner, kept: Measurement[Scores]) -> dict[str, float]:
    """What a model scores before training, by task, on some of the items.

    Args:
        model: The model.
        examiner: Scores it.
        kept: Where its scores are, if they were found before, and will be.

    Raises:
        DesignFaultError: Its answers are none.
    """
    found = kept.read()
    if not found:
        found = Scores(scores=examiner.baseline(model))
        kept.keep(found)
    return {score.task: score.value for score in found.scores}


def judge(
    trained: Callable[[], AbstractContextManager[RemoteModel]],
    examiner: Examiner,
    untrained: Mapping[str, float],
    kept: Measurement[Scores],
) -> list[Score]:
    """The scores of a model that has learnt, from two guests one after the other.

    Args:
        trained: Starts a guest with the model.
        examiner: Scores it.
        untrained: What the same model scored before training, by task.
        kept: Where its scores are, if it has been judged before, and will be.

    Raises:
        DesignFaultError: Its answers are none, or not to be believed.
        genesys.errors.SandboxError: A guest could not be started.
    """
    found = kept.read()
    if not found:
        with trained() as model:
            scores, scored = examiner(model)
        with trained() as model:
            # The report of an honest design does not depend on what is drawn here.
            audit(scored, Scorer(model), np.random.default_rng(secrets.randbits(128)))
        found = Scores(scores=scores)
        kept.keep(found)
    return [score.model_copy(update={"untrained": untrained[score.task]}) for score in found.scores]
