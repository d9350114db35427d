"""Check ``differentiability``: the loss depends smoothly on each parameter."""

from __future__ import annotations

from collections import defaultdict

import torch
from torch import Tensor

from genesys_checkers.faults import Fault
from genesys_checkers.subject import Subject, loss_of, open_gates, tokens, unit_of

# Longer than usual chunks: what carries state between them must count.
LENGTH = 257


def check_differentiability(subject: Subject) -> None:
    """Look for parameters that no gradient reaches.

    Gates that start at zero are opened first. A parameter passes when it gets a gradient in at
    least one block: what a block leaves for the next one is of no use in the last.

    Raises:
        Fault: A parameter is unused, cut off by an operation without a gradient, or frozen.
    """
    model = subject.model(subject.width)
    open_gates(model)
    loss_of(model, tokens(2, LENGTH + 1)).backward()  # type: ignore[no-untyped-call]
    gradients: dict[str, list[Tensor | None]] = defaultdict(list)
    for block in model.blocks:
        for name, parameter in block.named_parameters():
            gradients[name].append(parameter.grad)
    for name, found in gradients.items():
        if any(g is not None and bool(torch.any(g != 0)) for g in found):
            continue
        unit = unit_of(model.blocks[0], name)
        if all(g is None for g in found):
            raise Fault(
                f"Parameter {name} gets no gradient: nothing that the loss sees is computed "
                "from it.",
                unit,
                "Use it in the output, or remove it; do not detach it.",
            )
        raise Fault(
            f"Parameter {name} gets a gradient of exactly zero.",
            unit,
            "Replace what has no slope (rounding, sign, comparison, a clamp that always holds).",
        )
