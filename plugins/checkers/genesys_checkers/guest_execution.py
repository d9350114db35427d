"""What the guest can be asked about parameters, Z, gradients and the units' tests."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from genesys.gau import GAUBase
from genesys.gau.load import BLOCK_FILE
from genesys.gau.parse import locate
from genesys_checkers.guest_blame import recorded
from genesys_checkers.guest_model import GuestModel, array, kind_of, named, owner

Array = np.ndarray[Any, Any]
# Through these a module could answer for itself what it holds and does.
_SPECIAL = frozenset(
    {"__call__", "__getattr__", "__getattribute__", "__setattr__", "__delattr__", "__new__"}
)


class ExecutionOps(GuestModel):
    """Methods of the execution check."""

    def overrides(self) -> dict[str, Any]:
        """What units redefine of ``nn.Module`` that others rely on."""
        units = [
            unit
            for unit in vars(self._module).values()
            if isinstance(unit, type) and issubclass(unit, GAUBase) and unit is not GAUBase
        ]
        found = [{"unit": u.__name__, "name": n} for u in units for n in vars(u) if _is_taken(n)]
        return {"overrides": found}

    def parameters(self) -> dict[str, Any]:
        """Each parameter of the blocks: where it is and what it is."""
        return {
            "parameters": [
                {
                    **self._place(name),
                    "dtype": kind_of(value.data),
                    "floating": value.is_floating_point(),
                    "device": value.device.type,
                    "finite": value.is_meta or bool(torch.isfinite(value).all()),
                }
                for name, value in self.model.blocks.named_parameters()
            ]
        }

    def carry(self, X: Array) -> dict[str, Any]:
        """What Z holds after each block, in evaluation mode."""
        leaves = []
        with self._settled(grad=False), recorded(self.model) as calls:
            self.model.eval()
            Y, Z = self._tensor(X), dict[str, Any]()
            for index, block in enumerate(self.model.blocks):
                Y, Z = block(Y, **named(Z))
                leaves += [{"block": index, **leaf} for leaf in _leaves(Z)]
        writers = {str(key): call.unit for call in reversed(calls) for key in call.new}
        return {"leaves": [{**leaf, "unit": writers.get(leaf["key"], "")} for leaf in leaves]}

    def backward(self, X: Array, G: Array) -> dict[str, Any]:
        """Gradients of ``(Y * G).sum()``.

        Args:
            X: Of shape (B, L, D).
            G: Of the same shape.

        Returns:
            ``X``, its gradient, if there is one; and what became of each parameter's.
        """
        with self._settled():
            given = self._differentiate(X, G)
        facts = [
            {**self._place(name), **_fact(parameter.grad)}
            for name, parameter in self.model.blocks.named_parameters()
        ]
        answer: dict[str, Any] = {"gradients": facts}
        return answer if given.grad is None else {**answer, "X": array(given.grad)}

    def blame_backward(self, X: Array, G: Array) -> dict[str, Any]:
        """Unit and line of the operation whose gradient fails or is NaN."""
        said: list[str] = []
        with torch.autograd.set_detect_anomaly(True):
            self.build(**self._built)  # what is computed in there can be at fault too
            # Where the operation stood, torch tells in a warning.
            with self._settled(), suppress(RuntimeError):
                warnings.showwarning = lambda message, *_: said.append(str(message))
                warnings.simplefilter("always")
                for _ in range(2):
                    self._differentiate(X, G)
        found = re.findall(rf'File "{BLOCK_FILE}", line (\d+)', "".join(said))
        place = locate(self._code, int(found[-1])) if found else None
        return {"unit": place[0], "line": place[1]} if place else {}

    def _differentiate(self, X: Array, G: Array) -> Tensor:
        self.model.train()
        self.model.zero_grad()
        given = self._tensor(X).requires_grad_()
        # A copy, as a block may write into what it is given.
        Y = self._through_blocks(given.clone())
        if Y.requires_grad:
            Y.backward(self._tensor(G))  # type: ignore[no-untyped-call]
        return given

    def run_test(self, function: str) -> dict[str, Any]:
        """Call a function that a unit marks with ``gau_test``."""
        self._dtype = torch.float32
        with self._settled():
            getattr(self._module, function)(device=torch.device("cpu"), dtype=torch.float32)
        return {}

    def _place(self, name: str) -> dict[str, Any]:
        """The innermost unit that owns a parameter of the blocks, and the attribute it is under."""
        index, _, inside = name.partition(".")
        unit, attribute = owner(self.model.blocks[int(index)], inside)
        return {"name": inside, "block": int(index), "unit": unit, "attribute": attribute}


def _is_taken(name: str) -> bool:
    public = not name.startswith("__") and name != "extra_repr"
    return hasattr(nn.Module, name) and (public or name in _SPECIAL)


def _fact(gradient: Tensor | None) -> dict[str, bool]:
    if gradient is None:
        return {"given": False, "finite": True, "zero": True}
    finite = bool(torch.isfinite(gradient).all())
    return {"given": True, "finite": finite, "zero": not bool(gradient.any())}


def _leaves(Z: dict[Any, Any]) -> Iterator[dict[str, Any]]:
    for key, value in Z.items():
        if not isinstance(key, str):
            yield _leaf(str(key), str(key), f"key of type {type(key).__name__}")
        else:
            yield from _walk(key, key, value)


def _walk(key: str, path: str, value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _walk(key, f"{path}[{name!r}]", part)
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from _walk(key, f"{path}[{index}]", part)
    elif isinstance(value, Tensor):
        # Masks hold -inf.
        odd = value.is_floating_point() and bool((value.isnan() | value.isposinf()).any())
        yield _leaf(key, path, "tensor", value.shape, odd, _digest(value))
    else:
        simple = value is None or isinstance(value, bool | int | float | str)
        yield _leaf(key, path, "simple" if simple else type(value).__name__)


def _leaf(
    key: str,
    path: str,
    kind: str,
    shape: Sequence[int] = (),
    odd: bool = False,
    digest: str = "",
) -> dict[str, Any]:
    shape = list(shape)
    return {
        "key": key,
        "path": path,
        "kind": kind,
        "shape": shape,
        "odd": odd,
        "digest": digest,
    }


def _digest(X: Tensor) -> str:
    """Equal for equal values."""
    return hashlib.sha256(array(X).tobytes()).hexdigest()
