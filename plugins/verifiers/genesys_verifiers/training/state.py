"""All that changes in a training, as bytes with which it can go on exactly where it was."""

from __future__ import annotations

import random
from typing import IO, Any

import numpy as np
import torch

from genesys_verifiers.checkpoints.weights import put
from genesys_verifiers.training.stepping import Stepper


def write_state(stepper: Stepper, file: IO[bytes]) -> None:
    """Write the state after a step: model, optimiser, learning rate, generators."""
    model = stepper.model
    state = {
        "parameters": {name: value.detach() for name, value in model.named_parameters()},
        "buffers": dict(model.named_buffers(remove_duplicate=False)),
        "optimizer": stepper.optimizer.state_dict(),
        "rates": stepper.rates.state_dict(),
        "number": stepper.number,
        "generators": _generators(),
    }
    torch.save(state, file)


def read_state(stepper: Stepper, file: IO[bytes]) -> None:
    """Go on from a state that the same design has reached.

    Raises:
        DesignFaultError: The design makes other parameters now.
    """
    state = torch.load(file, weights_only=True)
    put(stepper.model, state["parameters"], state["buffers"])
    stepper.optimizer.load_state_dict(state["optimizer"])
    stepper.rates.load_state_dict(state["rates"])
    stepper.number = state["number"]
    _set_generators(state["generators"])


def _generators() -> dict[str, Any]:
    """The states of all generators that a block may draw from."""
    kind, key, *rest = np.random.get_state(legacy=True)
    return {
        "torch": torch.get_rng_state(),
        "python": random.getstate(),
        "numpy": (kind, np.asarray(key).tolist(), *rest),
    }


def _set_generators(states: dict[str, Any]) -> None:
    torch.set_rng_state(states["torch"])
    random.setstate(states["python"])
    np.random.set_state(states["numpy"])
