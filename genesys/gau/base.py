"""Base classes of units and blocks (app. B.3, fig. 17). The only core module that needs torch."""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any

from torch import Tensor, nn


@cache
def _accepted(unit: type[_Sequence2Sequence]) -> frozenset[str] | None:
    """Names of Z that ``unit._forward`` takes; None when it takes any (``**Z``)."""
    parameters = inspect.signature(unit._forward).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None
    return frozenset(p.name for p in parameters)


class _Sequence2Sequence(nn.Module):
    """The contract ``(X, Z) -> (X, Z)`` that units and blocks share."""

    def __init__(self, embed_dim: int, block_loc: tuple[int, int]) -> None:
        super().__init__()
        self.embed_dim = embed_dim
        self.block_loc = block_loc

    def _forward(self, X: Tensor, **Z: Any) -> Tensor | tuple[Tensor, dict[str, Any]]:
        raise NotImplementedError(f"{type(self).__name__} must define _forward(self, X, **Z)")

    def _check_input(self, X: Tensor) -> None:
        if X.ndim != 3 or X.shape[-1] != self.embed_dim:
            raise ValueError(
                f"{type(self).__name__} takes X of shape (B, L, {self.embed_dim}), "
                f"got {tuple(X.shape)}"
            )

    def _finish(
        self, X: Tensor, Y: Tensor | tuple[Tensor, dict[str, Any]], Z: dict[str, Any]
    ) -> tuple[Tensor, dict[str, Any]]:
        out, new = Y if isinstance(Y, tuple) else (Y, {})
        if not isinstance(new, dict):
            raise TypeError(
                f"{type(self).__name__}._forward must return Y or (Y, dict), "
                f"got {type(new).__name__} as second value"
            )
        if out.shape != X.shape:
            raise ValueError(
                f"{type(self).__name__} must keep the shape {tuple(X.shape)}, "
                f"got {tuple(out.shape)}"
            )
        return out, {**Z, **new}


class GAUBase(_Sequence2Sequence):
    """Base class of generalized autoregressive units.

    A unit's ``__init__`` sets ``self.factory_kwargs = {"device": device, "dtype": dtype}`` before
    it calls ``super().__init__(embed_dim, block_loc, kwarg_all)``.

    Args:
        embed_dim: D, the width of the sequence.
        block_loc: ``(index of the block, number of blocks)``.
        kwarg_all: The arguments of all units of the block.
    """

    def __init__(
        self, embed_dim: int, block_loc: tuple[int, int], kwarg_all: dict[str, Any]
    ) -> None:
        # nn.Module.__init__ keeps attributes set before it only by chance of __setattr__;
        # factory_kwargs is the one that the template sets early.
        factory_kwargs = self.__dict__.get("factory_kwargs", {})
        super().__init__(embed_dim, block_loc)
        self.factory_kwargs: dict[str, Any] = factory_kwargs
        self.kwarg_all = kwarg_all

    def forward(self, X: Tensor, **Z: Any) -> tuple[Tensor, dict[str, Any]]:
        """Run the unit.

        Args:
            X: Sequence of shape (B, L, D).
            **Z: Intermediates; ``_forward`` is handed those it names, or all if it takes ``**Z``.

        Returns:
            Y of shape (B, L, D), and Z with the unit's own entries added.

        Raises:
            ValueError: X or Y has a wrong shape.
            TypeError: The second value of ``_forward`` is not a dict.
        """
        self._check_input(X)
        names = _accepted(type(self))  # type: ignore[arg-type]  # nn.Module's __hash__ is untyped
        taken = Z if names is None else {key: Z[key] for key in Z.keys() & names}
        X = X.to(**self.factory_kwargs)
        return self._finish(X, self._forward(X, **taken), Z)


class GABBase(_Sequence2Sequence):
    """Base class of whole blocks; ``compose`` writes the subclass ``GAB`` of a design.

    Args:
        embed_dim: D, the width of the sequence.
        block_loc: ``(index of the block, number of blocks)``.
    """

    def forward(self, X: Tensor, **Z: Any) -> tuple[Tensor, dict[str, Any]]:
        """Run the block on X of shape (B, L, D); see :meth:`GAUBase.forward`."""
        self._check_input(X)
        return self._finish(X, self._forward(X, **Z), Z)
