"""In which precision a model is trained."""

from __future__ import annotations

import torch

from genesys_verifiers.settings import Precision


def computing(precision: Precision, device: torch.device) -> torch.autocast:
    """The context in which a model's blocks compute; parameters stay in float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision is Precision.BF16)
