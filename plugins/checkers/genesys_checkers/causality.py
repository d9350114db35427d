"""Check ``causality``: no output may move when what comes after it is replaced.

Suffixes are replaced by noise, many cuts at once, in float64 so that leaks of a billionth show;
gates that start at zero are opened; inputs of several magnitudes, both modes and the other rows
of the batch are tried. It compares two runs of one shape and one random state, so that rounding,
dropout and the choice of kernels cannot accuse a causal block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from genesys.gau import GAM, GAUBase
from genesys_checkers.faults import Fault
from genesys_checkers.subject import SEED, Subject, default_dtype, open_gates, through_blocks

LENGTH = 127
LONG = 512
AT_ONCE = 64
EIGHT = (1, 2, 16, 31, 64, 65, 100, 126)
LONG_CUTS = (1, 16, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 384, 511)
TOLERANCE = 1e-9
# For blocks that compute in lower precision by their own choice.
COARSE_TOLERANCE = 1e-5
# In float32: what is below it is rounding, e.g. of a Fourier transform over all positions.
TRAINED_TOLERANCE = 1e-3
TINY = 1e-30

Function = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Leak:
    """An output that moved.

    Attributes:
        row: In the batch.
        cut: The first position that was replaced.
        position: The first position before it whose output moved.
        size: By how much, relative to the largest output there.
    """

    row: int
    cut: int
    position: int
    size: float


def check_causality(subject: Subject) -> None:
    """Look for outputs that depend on later positions or on other rows of the batch.

    Raises:
        Fault: There is one; names the unit in which it begins, if that shows.
    """
    try:
        _check(subject, torch.float64)
    except Fault:
        raise
    except RuntimeError:
        # The block insists on float32 somewhere; that it can run was checked before.
        _check(subject, torch.float32)
    _check_as_trained(subject)


def _check_as_trained(subject: Subject) -> None:
    """Probe in the precision, mode and length of training: a block may take another way there."""
    length = max(2, *subject.settings.lengths)
    with torch.no_grad():
        model = subject.model(subject.width)
        open_gates(model)
        noise = torch.Generator().manual_seed(SEED)

        def draw(*shape: int) -> Tensor:
            return torch.randn(*shape, subject.width, generator=noise)

        probe = _Probe(model, TRAINED_TOLERANCE, draw)
        for mode in (True, False):
            model.train(mode)
            probe.cuts(range(1, length), length)


def _check(subject: Subject, dtype: torch.dtype) -> None:
    with default_dtype(dtype), torch.no_grad():
        model = subject.model(subject.width, dtype)
        open_gates(model)
        noise = torch.Generator().manual_seed(SEED)

        def draw(*shape: int) -> Tensor:
            return torch.randn(*shape, subject.width, generator=noise, dtype=dtype)

        probe = _Probe(model, _tolerance(model, draw(2, LENGTH)), draw)
        probe.rows()
        for start in range(1, LENGTH, AT_ONCE):
            probe.cuts([min(start + i, LENGTH - 1) for i in range(AT_ONCE)], LENGTH)
        # Some blocks change their ways when an input is large.
        probe.cuts(EIGHT, LENGTH, past=1.0, future=100.0)
        probe.cuts(EIGHT, LENGTH, past=100.0, future=100.0)
        probe.cuts(LONG_CUTS, LONG)
        model.eval()
        probe.rows()
        probe.cuts(EIGHT, LENGTH)


class _Probe:
    """Replaces parts of the input and compares."""

    def __init__(self, model: GAM, tolerance: float, draw: Callable[..., Tensor]) -> None:
        self._model, self._tolerance, self._draw = model, tolerance, draw

    def rows(self) -> None:
        """Replace all rows of a batch but the first."""
        before = self._draw(4, LENGTH)
        after = torch.cat([before[:1], self._draw(3, LENGTH)])
        moved = _moved(self._run(before)[:1], self._run(after)[:1])
        if float(moved.max()) > self._tolerance:
            leak = Leak(0, LENGTH, 0, float(moved.max()))
            raise Fault(
                "The output of a row changes when other rows of the batch are replaced "
                f"(by {leak.size:.1g} of its size).",
                self._where(before, after, leak),
                "Compute each row of the batch by itself.",
            )

    def cuts(
        self, cuts: Sequence[int], length: int, past: float = 1.0, future: float = 1.0
    ) -> None:
        """Replace everything from a cut on, one cut in each row of a batch.

        ``past`` and ``future`` are the magnitudes of what is there before and of the new suffix.
        """
        before = (past * self._draw(1, length)).expand(len(cuts), -1, -1).contiguous()
        later = torch.arange(length) >= torch.tensor(cuts)[:, None]
        after = torch.where(later[..., None], future * self._draw(len(cuts), length), before)
        moved = _moved(self._run(before), self._run(after)).masked_fill(later, 0.0)
        if float(moved.max()) <= self._tolerance:
            return
        row = int((moved > self._tolerance).any(-1).nonzero()[0])
        position = int((moved[row] > self._tolerance).nonzero()[0])
        leak = Leak(row, cuts[row], position, float(moved[row, position]))
        raise Fault(
            f"The output at position {leak.position} changes when positions from {leak.cut} on "
            f"are replaced (by {leak.size:.1g} of its size; L = {length}, inputs of magnitude "
            f"{past:g} before and {future:g} after).",
            self._where(before, after, leak),
        )

    def _run(self, X: Tensor) -> Tensor:
        torch.manual_seed(SEED)
        return through_blocks(self._model, X)

    def _where(self, before: Tensor, after: Tensor, leak: Leak) -> str:
        """The innermost unit whose output moved although its input did not."""
        with _recorded(self._model, leak) as first:
            self._run(before)
        with _recorded(self._model, leak) as second:
            self._run(after)
        for (unit, x, y), (_, x2, y2) in zip(first, second, strict=False):
            still = float(_moved(x, x2).max()) <= self._tolerance
            if still and float(_moved(y, y2).max()) > self._tolerance:
                return unit
        return ""


@contextmanager
def _recorded(model: GAM, leak: Leak) -> Iterator[list[tuple[str, Tensor, Tensor]]]:
    """Note input and output, up to the cut, of each unit when it ends: inner ones first."""
    seen: list[tuple[str, Tensor, Tensor]] = []

    def note(module: nn.Module, inputs: tuple[Tensor, ...], output: tuple[Tensor, object]) -> None:
        place = (leak.row, slice(0, leak.cut))
        seen.append((type(module).__name__, inputs[0][place], output[0][place]))

    handles = [m.register_forward_hook(note) for m in model.modules() if isinstance(m, GAUBase)]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def _moved(before: Tensor, after: Tensor) -> Tensor:
    """Change at each position relative to its largest output; none where it is not finite."""
    size = before.abs().amax(-1).clamp_min(TINY)
    moved = (before - after).abs().amax(-1) / size
    return moved.nan_to_num(nan=0.0, posinf=0.0)


class _Casts(TorchFunctionMode):
    """Notes whether anything is cast from double to a lower precision."""

    seen = False

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        if isinstance(out, Tensor) and out.is_floating_point() and out.dtype is not torch.float64:
            given = [a for a in args if isinstance(a, Tensor)]
            self.seen = self.seen or any(a.dtype is torch.float64 for a in given)
        return out


def _tolerance(model: GAM, X: Tensor) -> float:
    """How much an output may move by rounding."""
    if X.dtype is not torch.float64:
        return COARSE_TOLERANCE
    with _Casts() as casts:
        through_blocks(model, X)
    return COARSE_TOLERANCE if casts.seen else TOLERANCE
