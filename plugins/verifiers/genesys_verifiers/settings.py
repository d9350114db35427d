"""How to train, and what a guest is told of a verification."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from genesys.records import Scale, Subject

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]
Decay = Annotated[float, Field(ge=0, lt=1)]

# How far a design's size may be from the reference's.
TOLERANCE = 0.2
# In fewer steps, bf16 wins back less than it takes to find out whether it is faster.
FEW_STEPS = 200


class Precision(StrEnum):
    """In what the blocks compute; parameters, head and loss are in float32.

    ``AUTO`` is the one in which the GPT reference is faster; until that is known, float32.
    """

    AUTO = "auto"
    FLOAT32 = "float32"
    BF16 = "bf16"


class Accelerator(StrEnum):
    """On what guests train and evaluate; ``AUTO`` is CUDA where they can use it, else the CPU."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


def token_type(vocab_size: int) -> str:
    """How tokens are stored: the smallest type that holds them all."""
    return "uint16" if vocab_size <= 2**16 else "uint32"


class Loop(StrEnum):
    """Who runs the training loop; the steps are the same to the bit."""

    LIGHTNING = "lightning"
    BARE = "bare"


class Settings(BaseModel):
    """How to train; the same for all designs and scales.

    Attributes:
        sequence_length: Tokens of a training sequence, and most of an evaluated text.
        batch_size: Sequences per step.
        micro_batch: Sequences in memory at a time, over which a step's gradients are summed; None
            for all at once, ``auto`` for as many as fit. The step is the same but for rounding.
        warmup: Share of the steps in which the learning rate rises.
        floor: Share of the peak rate that is left at the end.
        betas: Decay rates of AdamW's two moments.
        epsilon: Of AdamW.
        weight_decay: Of the blocks' matrices.
        clip: Largest gradient norm.
        precision: In what the blocks compute.
        compile: Whether blocks are compiled for training; ``auto`` where that pays for the GPT
            reference.
        loop: Who runs the training loop.
        accelerator: On what guests train and evaluate.
        gpu_memory: Share of a GPU's memory that a guest may take.
        threads: CPU threads; results are bit-identical only at equal numbers.
        most_step_ratio: How many times the GPT reference's time that a step may take.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sequence_length: Positive = 64
    batch_size: Positive = 16
    micro_batch: Positive | Literal["auto"] | None = None
    warmup: Share = 0.1
    floor: Share = 0.05
    betas: tuple[Decay, Decay] = (0.9, 0.95)
    epsilon: Annotated[float, Field(gt=0)] = 1e-8
    weight_decay: Annotated[float, Field(ge=0)] = 0.1
    clip: Annotated[float, Field(gt=0)] = 1.0
    precision: Precision = Precision.FLOAT32
    compile: bool | Literal["auto"] = False
    loop: Loop = Loop.LIGHTNING
    accelerator: Accelerator = Accelerator.CPU
    gpu_memory: Annotated[float, Field(gt=0, le=1)] = 0.9
    threads: Positive = 2
    most_step_ratio: Annotated[float, Field(gt=1)] = 10.0

    @property
    def at_a_time(self) -> int | None:
        """Sequences in memory at a time, as far as that is settled; None for all of a batch."""
        return None if self.micro_batch == "auto" else self.micro_batch

    @property
    def tokens_per_step(self) -> int:
        """Tokens of one batch."""
        return self.batch_size * self.sequence_length

    def steps(self, scale: Scale) -> int:
        """Steps that a design trains for at a scale, at least one."""
        return max(1, round(scale.tokens / self.tokens_per_step))


class Task(BaseModel):
    """What a guest is told; nothing of the evaluation.

    Attributes:
        block: The design's ``gab.py``.
        learning_rate: At its peak.
        steps: Of training.
        seed: Of initialisation and data order.
        vocab_size: Number of tokens.
        subject: What is trained.
        train_folder: Shards of training tokens; empty where nothing is trained.
        settings: How to train.
        memory_mb: Of a guest, in MiB, where that decides how many sequences are in memory.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    block: str
    learning_rate: float
    steps: Positive
    seed: int
    vocab_size: Positive
    subject: Subject = Subject.TEXT
    train_folder: str = ""
    settings: Settings
    memory_mb: int = 0

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """Those between which the reference's speed decides."""
        if self.settings.precision is not Precision.AUTO:
            return (self.settings.precision,)
        few = self.steps <= FEW_STEPS
        return (Precision.FLOAT32,) if few else (Precision.FLOAT32, Precision.BF16)

    def in_precision(self, precision: Precision, compiled: bool = False) -> Task:
        """The same task in this precision, with compiled blocks or not."""
        return self._with(precision=precision, compile=compiled)

    def taking(self, micro_batch: int) -> Task:
        """The same task with so many sequences in memory at a time, if that was left open."""
        if self.settings.micro_batch != "auto":
            return self
        return self._with(micro_batch=micro_batch)

    def _with(self, **settings: object) -> Task:
        return self.model_copy(update={"settings": self.settings.model_copy(update=settings)})


class Size(BaseModel):
    """A tuned size.

    Attributes:
        n_block: Number of blocks.
        embed_dim: Width.
        parameters: Non-embedding parameters.
        flops: Of the blocks in a forward pass, per token; see ``genesys_verifiers.tuning.sizing``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    n_block: Annotated[int, Field(ge=1, lt=2**31)]
    embed_dim: Annotated[int, Field(ge=1, lt=2**31)]
    parameters: Annotated[int, Field(ge=0, lt=2**63)]
    flops: Annotated[int, Field(ge=0, lt=2**63)]
