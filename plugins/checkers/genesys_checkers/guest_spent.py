"""Which unit something is spent in: a hint for who mends it. Runs in the guest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

from genesys.gau import GAUBase


@contextmanager
def spent(model: nn.Module, meter: Callable[[], float]) -> Iterator[dict[str, float]]:
    """Note how far a meter moves within each unit, the units that it calls left out.

    Args:
        model: Whose units are followed.
        meter: Never falls.

    Yields:
        The amounts by the units' class names.
    """
    amounts: dict[str, float] = defaultdict(float)
    begun: list[float] = []
    inner: list[float] = [0.0]

    def begin(*_: Any) -> None:
        begun.append(meter())
        inner.append(0.0)

    def end(module: nn.Module, *_: Any) -> None:
        whole = meter() - begun.pop()
        amounts[type(module).__name__] += whole - inner.pop()
        inner[-1] += whole

    units = [module for module in model.modules() if isinstance(module, GAUBase)]
    handles = [unit.register_forward_pre_hook(begin) for unit in units]
    handles += [unit.register_forward_hook(end) for unit in units]
    try:
        yield amounts
    finally:
        for handle in handles:
            handle.remove()


def most(amounts: dict[str, float]) -> str:
    """The name with the largest amount; empty if there is none."""
    return max(amounts, key=lambda name: amounts[name], default="")
