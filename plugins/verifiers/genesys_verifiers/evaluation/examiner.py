"""What scores models, whatever it asks them."""

from __future__ import annotations

from typing import Protocol

from genesys.records import Score
from genesys_verifiers.evaluation.likelihood import Model, Scored


class Examiner(Protocol):
    """Puts questions to a model, and makes scores of its answers."""

    @property
    def key(self) -> str:
        """The same for the same questions, and the same way to read answers."""

    def __call__(self, model: Model) -> tuple[list[Score], Scored]:
        """The score of each task.

        Returns:
            The scores, and the batches that the model was asked for.

        Raises:
            DesignFaultError: Its answers are none, or not to be believed.
        """

    def baseline(self, model: Model) -> list[Score]:
        """The score of each task for a model that has learnt nothing, perhaps on fewer items."""
