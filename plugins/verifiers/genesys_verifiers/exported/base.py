"""The block, and what its units are built on: modules ``(X, Z) -> (X, Z)``."""

from dataclasses import dataclass, field
from functools import cache

from torch import nn


@dataclass(frozen=True)
class UnitDecl:
    """What a unit says about a child: its name, its task, what it reads and gives."""

    unitname: str
    requirements: str = ""
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)


def gau_test(function):
    """Mark a function as a test of a unit; nothing runs it here."""
    return function


class GABBase(nn.Module):
    """Base class of a block; it maps X of shape (B, L, D), and intermediates Z, to the same."""

    def __init__(self, embed_dim, block_loc):
        super().__init__()
        self.embed_dim, self.block_loc = embed_dim, block_loc

    def forward(self, X, **Z):
        """Run the block; what it adds to Z is passed on."""
        out = self._forward(X, **self._read(Z))
        Y, new = out if isinstance(out, tuple) else (out, {})
        return Y, {**Z, **new}

    def _read(self, Z):
        return Z


class GAUBase(GABBase):
    """Base class of units; a unit is handed the entries of Z that its ``_forward`` names."""

    def __init__(self, embed_dim, block_loc, kwarg_all):
        factory_kwargs = self.__dict__.get("factory_kwargs", {})
        super().__init__(embed_dim, block_loc)
        self.factory_kwargs, self.kwarg_all = factory_kwargs, kwarg_all

    def forward(self, X, **Z):
        """Run the unit; see :class:`GABBase`."""
        return super().forward(X.to(**self.factory_kwargs), **Z)

    def _read(self, Z):
        names = self._names()
        return Z if names is None else {name: Z[name] for name in Z.keys() & names}

    @classmethod
    @cache
    def _names(cls):
        # Imported here: a unit below may give the name another meaning.
        from inspect import signature

        parameters = signature(cls._forward).parameters.values()
        if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
            return None
        return frozenset(parameter.name for parameter in parameters)
