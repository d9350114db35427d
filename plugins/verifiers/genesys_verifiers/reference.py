"""What the GPT reference needs at a scale, measured in guests without generated code."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from genesys.errors import SandboxError
from genesys.gau.compose import compose
from genesys.gau.folder import load_tree
from genesys.measurements import Measurement
from genesys.records import Scale
from genesys.resources import resource
from genesys_verifiers.faults import DesignFaultError
from genesys_verifiers.opening import Opener
from genesys_verifiers.remote import RemoteModel
from genesys_verifiers.settings import Accelerator, Precision, Task

REFERENCE = "gpt2"
# Guests and steps in each: few enough to be quick, enough to meet a quiet moment.
GUESTS, STEPS = 3, 12
# After so much time, quiet moments and others have met in one guest.
LONG_SECONDS = 60.0
# In less time for a whole training, compiling never pays.
WORTH_SECONDS = 20.0

log = logging.getLogger(__name__)


class Reference(BaseModel):
    """Non-embedding parameters, and processor seconds of a forward and backward pass.

    These are of blocks that are not compiled.

    Attributes:
        parameters: Without the embedding.
        step_seconds: In the precision below.
        precision: In which it is faster, of those that the settings allow.
        compiled: Whether its blocks, and so those of designs, are compiled for training.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    parameters: Annotated[int, Field(ge=1)]
    step_seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    precision: Precision
    compiled: bool = False


class References:
    """The GPT reference at each scale; measured once on a machine, and kept in the cache.

    Sizes and scores do not depend on what was measured, unless the settings leave the precision
    open: parameters are the same on any machine, and times only serve to stop designs that are
    many times slower.
    """

    def __init__(self) -> None:
        self._known: dict[str, Reference] = {}

    def of(self, task: Task, scale: Scale, open_: Opener) -> Reference:
        """What is known, or kept, or measured now.

        Args:
            task: What guests are told, the reference's code included.
            scale: The scale.
            open_: Starts guests with that task.

        Raises:
            SandboxError: The machine cannot measure it.
        """
        terms = terms_of(task, scale)
        name = str(terms)
        if name not in self._known:
            found = Measurement(Reference, terms).read()
            self._known[name] = found or self.renew(task, scale, open_)
        return self._known[name]

    def renew(self, task: Task, scale: Scale, open_: Opener) -> Reference:
        """Measure it, and keep that instead of what was kept; see :meth:`of`."""
        terms = terms_of(task, scale)
        tried = [measure(open_, scale, precision) for precision in task.precisions]
        found = min(tried, key=lambda reference: reference.step_seconds)
        if task.settings.compile == "auto":
            found = _compiled_where_it_pays(tried, task, scale, open_)
        elif task.settings.compile:
            found = found.model_copy(update={"compiled": True})
        self._known[str(terms)] = found
        Measurement(Reference, terms).keep(found)
        return found


def code() -> str:
    """The reference's ``gab.py``."""
    return compose(load_tree(resource("seeds") / REFERENCE))


def measure(open_: Opener, scale: Scale, precision: Precision) -> Reference:
    """Measure it: the least of several guests' times, so that a busy machine does not count.

    Args:
        open_: Starts guests with the reference.
        scale: The scale.
        precision: In which its blocks are to compute.

    Raises:
        SandboxError: The machine cannot do that.
    """
    started, found = time.monotonic(), [_measure(open_, scale, precision)]
    while len(found) < GUESTS and time.monotonic() - started < LONG_SECONDS:
        found.append(_measure(open_, scale, precision))
    return min(found, key=lambda reference: reference.step_seconds)


def _measure(open_: Opener, scale: Scale, precision: Precision) -> Reference:
    size = scale.n_block, scale.d_model
    with _running(open_, scale) as model:
        return Reference(
            parameters=model.parameters(*size),
            step_seconds=model.pace(STEPS, precision),
            precision=precision,
        )


def _compiled_where_it_pays(
    tried: Sequence[Reference], task: Task, scale: Scale, open_: Opener
) -> Reference:
    """Which of these, compiled or not, is through with all steps first, compiling included.

    Seconds are a processor's. A compiler runs on one core and training on all threads, so those of
    a compiler count so many times. Of training on a GPU, all seconds are the clock's.
    """
    found = min(tried, key=lambda reference: reference.step_seconds)
    least = found.step_seconds * task.steps
    on_gpu = task.settings.accelerator is Accelerator.CUDA
    threads = 1 if on_gpu else task.settings.threads
    if least < WORTH_SECONDS * threads:
        return found
    for reference in tried:
        with _running(open_, scale) as model:
            compiling = model.compile(reference.precision)
            if model.note:
                log.info("The GPT reference is %s", model.note)
                continue
            total = compiling * threads + model.pace(STEPS, reference.precision) * task.steps
        if total < least:
            found, least = reference.model_copy(update={"compiled": True}), total
    return found


@contextmanager
def _running(open_: Opener, scale: Scale) -> Iterator[RemoteModel]:
    try:
        with open_.built(scale.n_block, scale.d_model, train=True) as model:
            yield model
    except DesignFaultError as error:
        raise SandboxError(f"The GPT reference does not run: {error}") from error


def terms_of(task: Task, scale: Scale) -> dict[str, object]:
    """What a measurement depends on."""
    return {
        "size": [scale.n_block, scale.d_model],
        "block": task.block,
        "vocab_size": task.vocab_size,
        "settings": task.settings.model_dump(mode="json"),
        "precisions": list(task.precisions),
        "steps": task.steps if task.settings.compile == "auto" else None,
        "code": _code_of_package(),
    }


@cache
def _code_of_package() -> list[str]:
    """Some of it runs in guests, as it was when this process began."""
    return [path.read_text("utf-8") for path in sorted(Path(__file__).parent.rglob("*.py"))]
