"""Which accelerator guests use, as the config asks and the machine can."""

from __future__ import annotations

import logging

from genesys.errors import GenesysError
from genesys.sandbox import GuestError, Job, Limits, Sandbox
from genesys_verifiers.settings import Accelerator

TRIAL = "genesys_verifiers.training.device:Trial"
LIMITS = Limits(seconds=300, memory_mb=16384, gpu=True)

log = logging.getLogger(__name__)


class Acceleration:
    """Tries a GPU once, in a guest without generated code.

    Args:
        wanted: As configured.
    """

    def __init__(self, wanted: Accelerator) -> None:
        self._wanted = wanted
        self._found: Accelerator | None = None

    def settle(self, sandbox: Sandbox) -> Accelerator:
        """CPU or CUDA.

        Raises:
            GenesysError: CUDA is asked for by name and guests cannot use it; says why.
        """
        if self._found is None:
            self._found = self._settled(sandbox)
        return self._found

    def _settled(self, sandbox: Sandbox) -> Accelerator:
        if self._wanted is Accelerator.CPU:
            return Accelerator.CPU
        if self._wanted is Accelerator.AUTO and not sandbox.devices:
            return Accelerator.CPU
        if not (refusal := _refusal(sandbox)):
            return Accelerator.CUDA
        if self._wanted is Accelerator.AUTO:
            log.warning("Guests cannot use the GPU and compute on CPUs: %s", refusal)
            return Accelerator.CPU
        raise GenesysError(
            f"verifier.accelerator=cuda: guests cannot use a GPU. {refusal} See docs/gpu.md, or "
            "set verifier.accelerator=cpu."
        )


def _refusal(sandbox: Sandbox) -> str:
    """Why a guest cannot compute on a GPU; empty if it can."""
    try:
        with sandbox.open(Job(entry=TRIAL, limits=LIMITS)) as guest:
            guest.call("compute")
    except (GuestError, GenesysError) as error:
        return f"{str(error).strip().splitlines()[0]}"
    return ""
