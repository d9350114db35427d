"""What the coordinator tells the worker."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from genesys.records import CurvePoint, Scale, Score

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0, lt=2**63)]  # what the store can keep


class Settings(BaseModel):
    """How to train; the same for all designs and scales.

    Attributes:
        sequence_length: Tokens of a training sequence, and most of an evaluated text.
        batch_size: Sequences per step.
        warmup: Share of the steps in which the learning rate rises.
        floor: Share of the peak rate that is left at the end.
        weight_decay: Of the blocks' matrices.
        clip: Largest gradient norm.
        threads: CPU threads; results are bit-identical only at equal numbers.
        most_step_ratio: How many times the GPT reference's time that a step may take.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sequence_length: Positive = 64
    batch_size: Positive = 16
    warmup: Share = 0.1
    floor: Share = 0.05
    weight_decay: Annotated[float, Field(ge=0)] = 0.1
    clip: Annotated[float, Field(gt=0)] = 1.0
    threads: Positive = 2
    most_step_ratio: Annotated[float, Field(gt=1)] = 10.0

    @property
    def tokens_per_step(self) -> int:
        """Tokens of one batch."""
        return self.batch_size * self.sequence_length

    def tokens(self, scale: Scale) -> int:
        """Tokens that a design trains on at a scale: whole steps of it, at least one."""
        return max(1, round(scale.tokens / self.tokens_per_step)) * self.tokens_per_step


class Task(BaseModel):
    """One verification, as it goes into the sandbox.

    Attributes:
        block: The design's ``gab.py``.
        reference: That of the GPT reference.
        scale: The scale.
        seed: Of initialisation and data order.
        corpus: Folder of the corpus.
        settings: How to train.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    block: str
    reference: str
    scale: Scale
    seed: int
    corpus: str
    settings: Settings


class Outcome(BaseModel):
    """What comes back from the sandbox: written by a process that ran generated code.

    Attributes:
        fault: What the design did wrong; empty when all went well.
        n_block: Tuned number of blocks, 0 when tuning failed.
        embed_dim: Tuned width.
        parameters: Non-embedding parameters.
        tokens: Tokens trained on.
        scores: One per task.
        curve: The training curve.
        train_seconds: Wall time of training.
    """

    model_config = ConfigDict(extra="forbid")

    fault: Annotated[str, Field(max_length=4000)] = ""
    n_block: Count = 0
    embed_dim: Count = 0
    parameters: Count = 0
    tokens: Count = 0
    scores: Annotated[list[Score], Field(max_length=100)] = []
    curve: Annotated[list[CurvePoint], Field(max_length=1000)] = []
    train_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
