"""The design's code and the model that is built from it. Runs in the guest."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np
import torch

# Counting and the device meta load it at first use: here that happens once, in the host.
import torch._dynamo
from torch import Tensor, nn

from genesys.gau import GAM, GAUBase
from genesys.gau.load import load_block

VOCABULARY = 256
SEED = 0
# What open_gates adds: to gates, which are zero or about zero, and in proportion to the rest.
GATE_NOISE = 0.3
SMALL_GATE = 1e-2
SHAKE = 0.1


class GuestModel:
    """One current model of the design, always initialised alike.

    Args:
        payload: ``code``, the composed block.
        emit: Told of the unit that runs, once :meth:`watch` was called.
        scratch: Not used.

    Attributes:
        model: The current model; :meth:`build` makes another.
    """

    model: GAM
    _built: dict[str, Any]

    def __init__(
        self, payload: dict[str, Any], emit: Callable[[dict[str, Any]], None], scratch: str
    ) -> None:
        self._code: str = payload["code"]
        self._module = ModuleType("gab")
        self._emit, self._dtype = emit, torch.float32

    def load(self) -> dict[str, Any]:
        """Run the design's code."""
        with self._settled():
            self._module = load_block(self._code)
        return {}

    def build(
        self,
        width: int,
        blocks: int = 2,
        dtype: str = "float32",
        open_gates: bool = False,
        device: str = "cpu",
    ) -> dict[str, Any]:
        """Make another current model; says how many parameters it has without the embedding.

        Args:
            width: D.
            blocks: Number of blocks.
            dtype: Name of a dtype of torch.
            open_gates: Whether to make zeros in parameters noise, and to shake the rest.
            device: ``cpu``, or ``meta`` for a model without values.
        """
        sizes = {"width": width, "blocks": blocks}
        self._built = {**sizes, "dtype": dtype, "open_gates": open_gates, "device": device}
        self._dtype = getattr(torch, dtype)
        with self._settled():
            self.model = GAM(
                self._module.GAB,
                width,
                blocks,
                VOCABULARY,
                self._module.gab_config,
                device=torch.device(device),
                dtype=self._dtype,
            )
            if open_gates:
                _open_gates(self.model)
        return {"parameters": self.model.non_embedding_parameters()}

    def watch(self) -> dict[str, Any]:
        """Tell from now on which unit of the current model runs, as ``{"unit": name}``."""
        running = [""]

        def enter(unit: nn.Module, _: Any) -> None:
            running.append(type(unit).__name__)
            self._emit({"unit": running[-1]})

        def leave(*_: Any) -> None:
            running.pop()
            self._emit({"unit": running[-1]})

        for module in self.model.modules():
            if isinstance(module, GAUBase):
                module.register_forward_pre_hook(enter)
                module.register_forward_hook(leave)
        return {}

    @contextmanager
    def _settled(self, grad: bool = True, seed: int = SEED) -> Iterator[None]:
        """What a call depends on, whatever the design's code did in calls before."""
        torch.default_generator.manual_seed(seed)  # of no device: they are slow to ask
        # Double precision is our measuring aid: a unit need not know it, as it must other dtypes.
        double = self._dtype is torch.float64
        torch.set_default_dtype(torch.float64 if double else torch.float32)
        try:
            with warnings.catch_warnings(), torch.set_grad_enabled(grad):
                warnings.simplefilter("ignore")
                yield
        finally:
            torch.set_default_dtype(torch.float32)

    def _tensor(self, X: np.ndarray[Any, Any]) -> Tensor:
        """An array that came in, as a tensor in the dtype of the model."""
        return torch.tensor(X, dtype=self._dtype)

    def _through_blocks(self, X: Tensor) -> Tensor:
        """What the blocks make of X of shape (B, L, D)."""
        Z: dict[str, Any] = {}
        for block in self.model.blocks:
            X, Z = block(X, **named(Z))
        if not isinstance(X, Tensor):
            raise TypeError(f"the block returns a {type(X).__name__} where a tensor is due")
        return X


def named(Z: dict[Any, Any]) -> dict[str, Any]:
    """The entries of Z that can be handed on: their keys are strings."""
    return {key: value for key, value in Z.items() if isinstance(key, str)}


def array(X: Tensor) -> np.ndarray[Any, Any]:
    """A tensor as an array that can be handed over: narrow floats as float32."""
    X = X.detach().cpu()
    narrow = X.dtype in {torch.bfloat16, torch.float16}
    values: np.ndarray[Any, Any] = (X.float() if narrow else X).contiguous().numpy()
    return values


def owner(module: nn.Module, name: str) -> tuple[str, str]:
    """The innermost unit that a parameter belongs to, and the attribute of that unit it is under.

    The unit is empty where there is none.
    """
    parts = name.split(".")
    unit, attribute = "", parts[0]
    for part, following in pairwise(parts):
        module = module.get_submodule(part)
        if isinstance(module, GAUBase):
            unit, attribute = type(module).__name__, following
    return unit, attribute


def kind_of(X: Tensor) -> str:
    """Name of the dtype, e.g. ``float32``; of the class, if it is no plain tensor."""
    return str(X.dtype).removeprefix("torch.") if type(X) is Tensor else type(X).__name__


@contextmanager
def unchanged(model: nn.Module) -> Iterator[None]:
    """Put buffers and attributes of all modules back afterwards."""
    buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]
    names = [(m, dict(vars(m)), dict(m._buffers)) for m in model.modules()]
    try:
        yield
    finally:
        for module, attributes, held in names:
            vars(module).clear()
            vars(module).update(attributes)
            module._buffers.clear()
            module._buffers.update(held)
        with torch.no_grad():
            for buffer, value in buffers:
                buffer.copy_(value)


def _open_gates(model: nn.Module) -> None:
    """Replace zeros in parameters by noise, and shake the rest: nothing hides behind a start."""
    generator = torch.Generator().manual_seed(SEED)
    with torch.no_grad():
        for parameter in model.parameters():
            # What is not trained may be a mask, whose zeros are to stay.
            if parameter.is_floating_point() and parameter.requires_grad:
                noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float32)
                size = parameter.float().square().mean().sqrt()
                closed = (parameter == 0) | (size < SMALL_GATE)
                parameter.add_(noise * torch.where(closed, GATE_NOISE, SHAKE * size))
