"""Compiling a model's blocks, where that changes nothing but their speed.

The compiler runs in the guest, under the guest's own confinement, and writes to its scratch folder.
Files there can be neither renamed nor removed, and modes not changed; Inductor does so with files
of its own, and is given functions that leave them where they are.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn

from genesys_verifiers.settings import Precision
from genesys_verifiers.training.generators import get_generators, set_generators
from genesys_verifiers.training.stepping import Stepper

# A block that unrolls a loop over all tokens would be compiled for hours.
MOST_SECONDS = 300.0
# How far loss and gradient may be from those of eager blocks, as a share.
TOLERANCES = {Precision.FLOAT32: (1e-3, 1e-2), Precision.BF16: (1e-2, 1e-1)}


class NotTheSameError(Exception):
    """Compiled blocks compute something else."""


def compile_blocks(stepper: Stepper, batch: Tensor, scratch: str) -> str:
    """Compile the blocks of a model that is to be trained.

    All that has to be compiled for such batches is compiled at once; what would have to be compiled
    in a later step is run as it is. Parameters, buffers and generators stay as they are.

    Args:
        stepper: Of the training.
        batch: Like those of the training, of shape (B, L + 1).
        scratch: An empty folder.

    Returns:
        Why the blocks are not compiled; empty if they are.
    """
    model = stepper.model
    buffers, generators = [buffer.clone() for buffer in model.buffers()], get_generators()

    def run() -> tuple[Tensor, Tensor]:
        set_generators(generators)
        loss = stepper.gradients(batch)
        return loss, torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])

    try:
        expected = run()
        _set_up(scratch)
        for block in model.blocks:
            block.compile(dynamic=False)
        with _files_stay(), _at_most(MOST_SECONDS):
            _require_same(run(), expected, stepper.settings.precision)
            torch.compiler.set_stance("fail_on_recompile")
            _require_same(run(), expected, stepper.settings.precision)
        torch.compiler.set_stance("eager_on_recompile")
    except Exception as error:
        torch.compiler.set_stance("default")
        for block in model.blocks:
            block._compiled_call_impl = None
        return f"{type(error).__name__}: {error}"
    finally:
        stepper.optimizer.zero_grad()
        set_generators(generators)
        with torch.no_grad():
            for buffer, value in zip(model.buffers(), buffers, strict=True):
                buffer.copy_(value)
    return ""


def is_compiled(model: nn.Module) -> bool:
    """Whether parts of it are compiled."""
    return any(module._compiled_call_impl is not None for module in model.modules())


def _set_up(scratch: str) -> None:
    import torch._functorch.config as autograd
    import torch._inductor.config as inductor

    for name in ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR"):
        os.environ[name] = str(Path(scratch) / name.lower())
    inductor.compile_threads = 1  # more would be processes of Python
    inductor.fallback_random = True  # the numbers that eager blocks draw
    inductor.cpp.vec_isa_ok = True  # else it is tried out for seconds
    inductor.cpp_cache_precompile_headers = False  # takes other programs than the compiler
    # The folder is this guest's alone: what is kept there is never met again.
    inductor.fx_graph_cache = autograd.enable_autograd_cache = False


def _files_stay() -> Any:
    def nothing(*_: Any, **__: Any) -> None:
        pass

    return patch.multiple(
        os,
        rename=shutil.copyfile,
        replace=shutil.copyfile,
        remove=nothing,
        unlink=nothing,
        rmdir=nothing,
        chmod=nothing,
    )


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Raise TimeoutError after so much wall time, again and again: compilers swallow exceptions."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"compiling takes more than {seconds:g} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _require_same(
    found: tuple[Tensor, Tensor], expected: tuple[Tensor, Tensor], precision: Precision
) -> None:
    names = ("loss", "gradient")
    for name, a, b, share in zip(names, found, expected, TOLERANCES[precision], strict=True):
        if a.shape != b.shape or not (a - b).norm() <= share * b.norm():
            raise NotTheSameError(f"compiled blocks give another {name}")
