"""What the effectiveness check is told."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from genesys.records import Record

Positive = Annotated[int, Field(ge=1)]
Ratio = Annotated[float, Field(gt=0)]


class Bounds(Record):
    """Sizes and limits of the effectiveness check.

    Attributes:
        width: D of the models.
        blocks: Blocks of the models.
        steps: Training steps.
        step_time_ratio: Most time of a step, in the GPT seed's.
        flop_ratio: Most FLOPs, likewise.
        memory_ratio: Most memory of a step, likewise.
        max_grad_norm: Most gradient norm.
    """

    width: Positive
    blocks: Positive
    steps: Annotated[int, Field(ge=4)]
    step_time_ratio: Ratio
    flop_ratio: Ratio
    memory_ratio: Ratio
    max_grad_norm: Ratio
