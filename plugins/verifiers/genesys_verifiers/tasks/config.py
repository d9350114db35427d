"""Settings of a task set, light to import."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class TaskSet(BaseModel):
    """A config of group ``tasks``.

    Attributes:
        name: Of the set.
        source: Where its tasks are from: ``corpus`` (made of held-out text), ``lm-eval`` (those it
            has installed; their items come from the hub), ``bigbench`` (items fetched before), or a
            folder of lm-eval YAML files.
        tasks: Names of tasks, groups or tags; None for all there are. ``FOLDER/NAME`` names the
            folder of ``source`` that has the YAML file, so that no other is read.
        overlap: What to do with items that occur in the training text.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str = "local"
    source: str = "corpus"
    tasks: list[str] | None = None
    overlap: Literal["warn", "drop"] = "warn"
