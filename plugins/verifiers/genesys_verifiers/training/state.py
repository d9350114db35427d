"""All that changes in a training, as bytes with which it can go on exactly where it was."""

from __future__ import annotations

from typing import IO

import torch

from genesys_verifiers.checkpoints.weights import put
from genesys_verifiers.training.compiling import is_compiled
from genesys_verifiers.training.generators import get_generators, set_generators
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
        "micro_batch": stepper.micro_batch,
        "compiled": is_compiled(stepper.model),
        "generators": get_generators(),
    }
    torch.save(state, file)


def read_state(stepper: Stepper, file: IO[bytes]) -> None:
    """Go on from a state that the same design has reached.

    Raises:
        DesignFaultError: The design makes other parameters now.
        ValueError: Its blocks were compiled and are not now, or the other way round.
    """
    state = torch.load(file, weights_only=True)
    if state["compiled"] != is_compiled(stepper.model):
        raise ValueError("the blocks were compiled in one part of the training only")
    put(stepper.model, state["parameters"], state["buffers"])
    stepper.optimizer.load_state_dict(state["optimizer"])
    stepper.rates.load_state_dict(state["rates"])
    stepper.number, stepper.micro_batch = state["number"], state["micro_batch"]
    set_generators(state["generators"])
