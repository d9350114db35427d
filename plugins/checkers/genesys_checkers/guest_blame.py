"""Which unit something begins in: a hint for who mends it. Runs in the guest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from genesys.gau import GAUBase
from genesys_checkers.guest_model import kind_of

TINY = 1e-30


@dataclass
class Call:
    """One call of a unit.

    Attributes:
        unit: Its class name.
        path: Of the instance, from the model on.
        X: What it was given.
        Z: Likewise.
        Y: What it gave.
        kind: Of Y.
        new: Entries of Z that it gave.
    """

    unit: str
    path: str
    X: Tensor
    Z: dict[str, Any]
    Y: Tensor = field(default_factory=lambda: torch.empty(0))
    kind: str = ""
    new: dict[str, Any] = field(default_factory=dict)


@contextmanager
def recorded(model: nn.Module) -> Iterator[list[Call]]:
    """Note each call of a unit when it ends: inner units first."""
    open_calls: list[Call] = []
    ended: list[Call] = []
    paths = {id(module): name for name, module in model.named_modules()}

    def begin(module: nn.Module, inputs: tuple[Tensor, ...], Z: dict[str, Any]) -> None:
        given = inputs[0] if inputs else Z["X"]
        # A copy: the unit may write into what it was given.
        copies = {key: _copy(value) for key, value in Z.items() if key != "X"}
        path = paths.get(id(module), "")
        open_calls.append(Call(type(module).__name__, path, _copy(given), copies))

    def end(module: nn.Module, _: Any, Z: dict[str, Any], output: tuple[Tensor, Any]) -> None:
        call = open_calls.pop()
        call.Y, call.kind = _copy(output[0]), kind_of(output[0])
        call.new = {
            key: _copy(value) for key, value in output[1].items() if Z.get(key) is not value
        }
        ended.append(call)

    units = [module for module in model.modules() if isinstance(module, GAUBase)]
    handles = [unit.register_forward_pre_hook(begin, with_kwargs=True) for unit in units]
    handles += [unit.register_forward_hook(end, with_kwargs=True) for unit in units]
    try:
        yield ended
    finally:
        for handle in handles:
            handle.remove()


@dataclass(frozen=True)
class Frame:
    """What is compared of two runs.

    Attributes:
        batch: B of the input.
        length: L of the input.
        row: In the batch.
        cut: The positions before it.
    """

    batch: int
    length: int
    row: int
    cut: int

    def moved(self, before: Any, after: Any) -> float:
        """Largest change before the cut; none of what has no axes B and L."""
        if not _are_alike(before, after) or before.shape[:1] != (self.batch,):
            return 0.0
        axes = [axis for axis, size in enumerate(before.shape) if axis and size == self.length]
        if not axes:
            return 0.0
        seen = [X.narrow(axes[0], 0, self.cut)[self.row] for X in (before, after)]
        return _change(*seen)

    def moved_as_a_whole(self, before: Any, after: Any) -> float:
        """Largest change of what has no axis of length L, e.g. the state after all positions."""
        if not _are_alike(before, after) or self.length in before.shape[1:]:
            return self.moved(before, after)
        return _change(before, after)


def first_to_move(
    before: list[Call], after: list[Call], frame: Frame, tolerance: float
) -> Call | None:
    """The innermost call whose outputs moved though its X did not.

    Where an entry of Z moved meanwhile, it is the call that wrote that entry.
    """
    for old, new in zip(before, after, strict=False):
        if frame.moved(old.X, new.X) > tolerance:
            continue
        given = [(old.Y, new.Y), *((old.new[k], new.new[k]) for k in old.new.keys() & new.new)]
        if any(frame.moved(*pair) > tolerance for pair in given):
            changed = {
                key
                for key in old.Z.keys() & new.Z
                if frame.moved_as_a_whole(old.Z[key], new.Z[key]) > tolerance
            }
            return next((call for call in before if call.new.keys() & changed), old)
    return None


def _copy(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, Tensor) else value


def _are_alike(before: Any, after: Any) -> bool:
    return (
        isinstance(before, Tensor)
        and isinstance(after, Tensor)
        and before.shape == after.shape
        and before.is_floating_point()
        and before.numel() > 0
    )


def _change(before: Tensor, after: Tensor) -> float:
    """Largest change relative to the size of its vector; none where it is not finite."""
    size = before.abs().amax(-1, keepdim=True) if before.ndim else before.abs()
    moved = (before - after).abs() / size.clamp_min(TINY)
    return float(moved.nan_to_num(nan=0.0, posinf=0.0).max()) if moved.numel() else 0.0
