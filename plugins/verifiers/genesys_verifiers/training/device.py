"""The device that a guest computes on."""

from __future__ import annotations

import gc
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from genesys_verifiers.settings import Accelerator, Precision, Settings

CPU, CUDA = torch.device("cpu"), torch.device("cuda", 0)


def device_of(settings: Settings) -> torch.device:
    """The device that the settings name, ready for use.

    A guest sees the one GPU that it was granted, and takes its share of the memory.
    """
    if settings.accelerator is not Accelerator.CUDA:
        return CPU
    torch.cuda.set_per_process_memory_fraction(settings.gpu_memory, CUDA)
    return CUDA


def on(device: torch.device) -> AbstractContextManager[object]:
    """Has tensors made on a device unless code says where: many blocks do not say it."""
    return nullcontext() if device.type == "cpu" else device


def allow_tf32(precision: Precision, device: torch.device) -> None:
    """Let a GPU take float32 products, the head's foremost, in TF32 beside blocks in bf16."""
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high" if precision is Precision.BF16 else "highest")


def settle(device: torch.device) -> None:
    """Wait until a device has done all that it was asked to."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def moved(batch: Tensor, device: torch.device) -> Tensor:
    """A batch on a device, from pinned memory, while that goes on with what it has to do."""
    if device.type == "cpu" or batch.device.type != "cpu":
        return batch
    return batch.pin_memory().to(device, non_blocking=True)


def release() -> None:
    """Give back the memory that is held without use, after an operation that found too little."""
    gc.collect()
    torch.cuda.empty_cache()


class Trial:
    """The guest that tries a GPU, without generated code.

    Args:
        payload: Not used.
        emit: Not used.
        scratch: Not used.
    """

    def __init__(
        self, payload: dict[str, Any], emit: Callable[[dict[str, Any]], None], scratch: str
    ) -> None:
        self._settings = Settings(accelerator=Accelerator.CUDA)

    def compute(self) -> dict[str, Any]:
        """Take a step of training, more or less."""
        device = device_of(self._settings)
        weight = torch.ones(64, 64, device=device, requires_grad=True)
        optimizer = torch.optim.AdamW([weight], fused=True)
        torch.autograd.backward((weight @ weight).sum())
        optimizer.step()
        settle(device)
        return {}
