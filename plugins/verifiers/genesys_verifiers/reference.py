"""What the GPT reference needs at a scale, measured in a guest without generated code."""

from __future__ import annotations

from dataclasses import dataclass

from genesys.errors import SandboxError
from genesys.gau.compose import compose
from genesys.gau.folder import load_tree
from genesys.records import Scale
from genesys.resources import resource
from genesys_verifiers.faults import DesignFaultError
from genesys_verifiers.opening import Opener

REFERENCE = "gpt2"
STEPS = 12


@dataclass(frozen=True)
class Reference:
    """Non-embedding parameters, and processor seconds of a forward and backward pass."""

    parameters: int
    step_seconds: float


def code() -> str:
    """The reference's ``gab.py``."""
    return compose(load_tree(resource("seeds") / REFERENCE))


def measure(open_: Opener, scale: Scale) -> Reference:
    """Measure it.

    Args:
        open_: Starts guests with the reference.
        scale: The scale.

    Raises:
        SandboxError: The machine cannot do that.
    """
    size = scale.n_block, scale.d_model
    try:
        with open_(train=True) as model:
            model.load()
            model.build(*size)
            return Reference(model.parameters(*size), model.pace(STEPS))
    except DesignFaultError as error:
        raise SandboxError(f"The GPT reference does not run: {error}") from error
