"""Whether what a worker says of a design can be true: it has run generated code."""

from __future__ import annotations

import math
from collections.abc import Mapping

from genesys.records import Score
from genesys_verifiers.settings import Outcome

BITS = "bits_per_byte"
# No model of any size gets text or code below this; nought is what a broken loss gives.
LEAST_BITS = 0.3
CHANCE = 0.5


def doubt(said: Outcome, tokens: int, items: Mapping[str, int]) -> str:
    """What cannot be true of a verification that went well; empty when all of it can.

    Args:
        said: What the worker says.
        tokens: What it was to train on.
        items: Number of items by task.
    """
    if said.tokens != tokens:
        return f"it trained on {said.tokens} tokens instead of {tokens}"
    if [score.task for score in said.scores] != sorted(items):
        return "it has scored other tasks than those of the corpus"
    for score in said.scores:
        for value in (score.value, score.untrained):
            if value is None or not _can_be(score, value, items[score.task]):
                return f"{score.metric} of {score.task} cannot be {value}"
    return ""


def with_error(score: Score, items: int) -> Score:
    """A score with its standard error and level of chance as they follow from its value."""
    if score.metric != "acc":
        return score.model_copy(update={"stderr": None, "chance": None})
    error = math.sqrt(score.value * (1 - score.value) / items)
    return score.model_copy(update={"stderr": error, "chance": CHANCE})


def _can_be(score: Score, value: float, items: int) -> bool:
    if score.task == BITS:
        return score.metric == BITS and LEAST_BITS < value < math.inf
    # A share of whole items.
    right = value * items
    return score.metric == "acc" and 0 <= value <= 1 and abs(right - round(right)) < 1e-6 * items
