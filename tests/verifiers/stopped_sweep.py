"""Verifies and kills itself: ``stopped_sweep.py <design> <scale> <corpus> <folder> <steps>``.

One process after the other takes up the training and kills itself at its step; the last one ends
it, and its error is printed. They are forked from one that has the libraries loaded.
"""

from __future__ import annotations

import json
import os
import signal
import sys

from genesys.records import Design, Scale
from genesys.sandbox import Sandbox
from genesys_verifiers.lightning import LightningVerifier


def verify(step: int | None) -> None:
    """Go on with the training; die at a step, if there is one given."""
    design, scale = Design.model_validate_json(sys.argv[1]), Scale.model_validate_json(sys.argv[2])

    def progress(point):
        if point.step == step:
            os.kill(os.getpid(), signal.SIGKILL)

    verifier = LightningVerifier(
        corpus=json.loads(sys.argv[3]),
        batch_size=4,
        threads=1,
        memory_mb=1024,
        checkpoints=sys.argv[4],
        checkpoint_seconds=1e-6,
    )
    with Sandbox() as sandbox:
        print(verifier.verify(design, scale, 0, sandbox, progress).error)


def main() -> None:
    for step in json.loads(sys.argv[5]):
        if not (child := os.fork()):
            verify(step)
            os._exit(1)
        if os.waitpid(child, 0)[1] != signal.SIGKILL:
            sys.exit(f"was not killed at step {step}")
    verify(None)


if __name__ == "__main__":
    main()
