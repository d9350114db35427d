"""Settings of a task set, light to import."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class TaskSet(BaseModel):
    """A config of group ``tasks``.

    Attributes:
        name: Of the set.
        source: Where its tasks are from: ``corpus`` (made of held-out text), ``lm-eval`` (those it
            has installed; their items come from the hub), ``bigbench`` (items fetched before), or a
            folder of lm-eval YAML files.
        tasks: Names of tasks, groups or tags; None for all there are. ``FOLDER/NAME`` names the
            folder of ``source`` that has the YAML file, so that no other is read.
        items: Most items of a task, drawn at random, always the same ones; None for all.
        overlap: What to do with items that occur in the training text.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str = "local"
    source: str = "corpus"
    tasks: list[str] | None = None
    items: Annotated[int, Field(ge=1)] | None = None
    overlap: Literal["warn", "drop"] = "warn"
