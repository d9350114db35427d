"""The states of all generators that a block may draw from."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch


def get_generators() -> dict[str, Any]:
    """Their states, as values that ``torch.save`` takes."""
    kind, key, *rest = np.random.get_state(legacy=True)
    on_gpu = torch.get_default_device().type == "cuda"
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state() if on_gpu else None,
        "python": random.getstate(),
        "numpy": (kind, np.asarray(key).tolist(), *rest),
    }


def set_generators(states: dict[str, Any]) -> None:
    """Put them back into such states."""
    torch.set_rng_state(states["torch"])
    if states["cuda"] is not None:
        torch.cuda.set_rng_state(states["cuda"])
    random.setstate(states["python"])
    np.random.set_state(states["numpy"])
