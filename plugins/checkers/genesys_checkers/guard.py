"""Notices when a design replaces the functions that measure it. Loaded in workers only.

Generated code shares the worker's process, so it can get around this too: it stops what is easily
written, by an author or by chance, not what is meant to deceive at any cost.
"""

from __future__ import annotations

import builtins
import math
import sys
import time
from collections.abc import Iterator
from types import FunctionType, ModuleType

import torch
from torch import nn
from torch.nn.modules import module as hooks
from torch.utils.flop_counter import FlopCounterMode

from genesys.gau import GAM, GAUBase
from genesys.gau.base import GABBase
from genesys_checkers.faults import Fault

_MODULES = (torch, nn, nn.functional, nn.utils, torch.autograd, torch.optim, time, math, builtins)
_CLASSES = (torch.Tensor, torch.Generator, FlopCounterMode)
_BASES = (nn.Module, GAM, GAUBase, GABBase)
_HOOKS = tuple(name for name in vars(hooks) if name.startswith("_global_") and "hooks" in name)


class Guard:
    """Remembers, when it is made, the functions of torch, of Genesys and of the checks."""

    def __init__(self) -> None:
        ours = [m for name, m in sys.modules.items() if name.startswith("genesys")]
        # A new name in these hides an inherited or a built-in one.
        self._closed: tuple[ModuleType | type, ...] = (*ours, *_CLASSES, *_BASES)
        self._before = dict(_functions(*_MODULES, *self._closed))

    def check(self) -> None:
        """Compare with what is there now.

        Raises:
            Fault: Something was replaced, or hooks into all of torch were left behind.
        """
        now = dict(_functions(*_MODULES, *self._closed))
        for name, (value, code) in self._before.items():
            there = now.get(name, (None, None))
            if there[0] is not value or there[1] is not code:
                raise _fault(f"replaces {name}")
        for name, _ in _functions(*self._closed):
            if name not in self._before:
                raise _fault(f"adds {name}")
        if any(getattr(hooks, name) for name in _HOOKS):
            raise _fault("hooks into all modules")
        if torch._C._len_torch_function_stack() or torch._C._len_torch_dispatch_stack():
            raise _fault("leaves a mode of torch switched on")


def _functions(*spaces: ModuleType | type) -> Iterator[tuple[str, tuple[object, object]]]:
    """Functions and classes by their full names, with the code of those in Python."""
    for space in spaces:
        where = space.__name__ if isinstance(space, ModuleType) else space.__qualname__
        for name, value in list(vars(space).items()):
            if callable(value) or isinstance(value, staticmethod | classmethod | property):
                code = value.__code__ if isinstance(value, FunctionType) else None
                yield f"{where}.{name}", (value, code)


def _fault(what: str) -> Fault:
    return Fault(
        f"The design {what}.", hint="Units compute tensors and leave all else as it is."
    )
