"""What a block costs: FLOPs, CPU time and memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from genesys.records import Record
from genesys_checkers.block import Block
from genesys_checkers.claims import Claim, Count, Place, Text
from genesys_checkers.faults import Fault
from genesys_checkers.learning import Learner
from genesys_checkers.text import batches

Array = np.ndarray[Any, Any]
# Of a training step.
BATCH, LENGTH = 4, 256


class Cost(Record):
    """What a model costs.

    Attributes:
        parameters: Without the embedding.
        flops: Of running B = 1 and L = 256 through the blocks.
        seconds: Of CPU time, of a training step at B = 4 and L = 256.
        memory_mb: Most MiB that the guest took up to the end of the first steps.
    """

    parameters: Annotated[int, Field(ge=1)]
    flops: Annotated[int, Field(ge=1)]
    seconds: Annotated[float, Field(gt=0, lt=math.inf)]
    memory_mb: Annotated[float, Field(ge=0, lt=math.inf)]


class Work(Claim):
    """What a run computes.

    Attributes:
        flops: Of matrix products, convolutions and attention.
        elements: Computed by all operations.
        unit: That has most of both.
    """

    flops: Count
    elements: Count
    unit: Text


def texts(steps: int) -> list[Array]:
    """Byte ids of shape (B, L + 1) for steps of training."""
    return batches(steps, BATCH, LENGTH + 1)


def measure(block: Block, width: int, blocks: int, steps: int) -> Cost:
    """Measure a block that is trusted to work."""
    parameters = block.build(width, blocks)
    learner = Learner(block)
    seconds = min(learner.step(text).seconds for text in texts(steps))
    memory_mb = block.peak_memory_mb()
    flops = count(block, width, LENGTH).flops
    return Cost(parameters=parameters, flops=flops, seconds=seconds, memory_mb=memory_mb)


def count(block: Block, width: int, length: int) -> Work:
    """What running B = 1 and the given L through the blocks computes: a claim of the guest."""
    return block.ask(Work, "work", X=_noise(width, length))


def slowest(block: Block, width: int, length: int) -> str:
    """The unit that takes most of the time: a hint."""
    return block.unit(block.ask(Place, "slowest", X=_noise(width, length)).unit)


class Stopwatch:
    """Best CPU times of running B = 1 and some L through the blocks.

    Args:
        block: With the model.
        width: D.
        lengths: The L.

    Attributes:
        seconds: The best time for each L so far.
    """

    def __init__(self, block: Block, width: int, lengths: Sequence[int]) -> None:
        self._block, self._inputs = block, [_noise(width, length) for length in lengths]
        self.seconds = [math.inf] * len(lengths)

    def measure(self) -> None:
        """Run each once more.

        Raises:
            Fault: It cannot be run.
        """
        for index, X in enumerate(self._inputs):
            before = self._block.cpu_seconds()
            try:
                self._block.forward(X)
            except Fault as fault:
                fault.message = f"At L = {X.shape[1]}: {fault.message}"
                raise
            taken = self._block.cpu_seconds() - before
            self.seconds[index] = min(self.seconds[index], taken)


def exponent(at: float, twice: float) -> float:
    """The power of L that something grows with, from its sizes at an L and at twice that L."""
    return math.log2((twice or 1) / (at or 1))


def _noise(width: int, length: int) -> Array:
    return np.random.default_rng(0).standard_normal((1, length, width), dtype=np.float32)
