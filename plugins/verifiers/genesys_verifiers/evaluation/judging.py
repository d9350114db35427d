"""Scores a trained model, and finds out whether to believe it."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

import numpy as np

from genesys.records import Score
from genesys_verifiers.evaluation.audit import audit
from genesys_verifiers.evaluation.evaluate import BITS, Evaluator
from genesys_verifiers.evaluation.likelihood import Scorer
from genesys_verifiers.faults import DesignFaultError
from genesys_verifiers.remote import RemoteModel

# No model of any size gets text or code below this, unless it has it by heart.
LEAST_BITS = 0.3


def judge(
    trained: Callable[[], AbstractContextManager[RemoteModel]],
    evaluator: Evaluator,
    untrained: Mapping[str, float],
) -> list[Score]:
    """The scores of a model that has learnt, from two guests one after the other.

    Args:
        trained: Starts a guest with the model.
        evaluator: Scores it.
        untrained: What the same model scored before training, by task.

    Raises:
        DesignFaultError: Its answers are none, or not to be believed.
        genesys.errors.SandboxError: A guest could not be started.
    """
    with trained() as model:
        scores, scored = evaluator(model)
    with trained() as model:
        # The report of an honest design does not depend on what is drawn here.
        audit(scored, Scorer(model), np.random.default_rng(secrets.randbits(128)))
    for score in scores:
        if score.task == BITS and not LEAST_BITS < score.value < math.inf:
            raise DesignFaultError(f"{score.value:.3g} bits per byte cannot be: it knows the texts")
    return [score.model_copy(update={"untrained": untrained[score.task]}) for score in scores]
