"""What a report says of efficiency: a design beside the reference, measured once per machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from genesys.errors import SandboxError
from genesys.measurements import Measurement
from genesys.records import Efficiency
from genesys_verifiers.efficiency.meter import Meter, shapes
from genesys_verifiers.reference import REFERENCE, terms_of
from genesys_verifiers.settings import Task


class Lengths(BaseModel):
    """Tokens of the sequences that a verified design is measured on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    efficiency_lengths: list[Annotated[int, Field(ge=2)]] = []


def beside_reference(
    meter: Meter,
    reference: Task,
    design: tuple[str, Task],
    size: tuple[int, int],
    lengths: Sequence[int],
) -> list[Efficiency]:
    """The reference and a design by turns; what cannot be measured says why.

    Args:
        meter: Measures at the design's scale.
        reference: With the reference's block.
        design: Name of the design, and the same with its block.
        size: Number of blocks and width of the design.
        lengths: Tokens of the sequences.
    """
    name, task = design
    found = []
    for shape in shapes(task.settings, sorted(lengths)):
        found.append(_reference(meter, reference, shape))
        found.append(_measured(meter, name, task, size, shape))
    return found


def _reference(meter: Meter, task: Task, shape: tuple[int, int]) -> Efficiency:
    """As it was kept, or else measured and kept."""
    kept = Measurement(Efficiency, {**terms_of(task, meter.scale), "shape": shape})
    found = kept.read()
    if found is None:
        found = _measured(meter, REFERENCE, task, meter.size, shape)
        if not found.error:
            kept.keep(found)
    return found


def _measured(
    meter: Meter, design: str, task: Task, size: tuple[int, int], shape: tuple[int, int]
) -> Efficiency:
    rows, length = shape
    try:
        return meter.measure(design, task, size, rows, length)
    except SandboxError as error:
        return Efficiency(design=design, length=length, rows=rows, error=str(error))
