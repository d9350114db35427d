"""The representation of designs: units, trees, blocks and models (sec. 4.1, app. B.3).

Unit files import ``GAUBase``, ``UnitDecl`` and ``gau_test`` from here. Names that need torch are
loaded on first use, so that trees can be parsed and compared without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genesys.gau.decl import UnitDecl
from genesys.gau.testing import gau_test

if TYPE_CHECKING:
    from genesys.gau.base import GABBase, GAUBase
    from genesys.gau.model import GAM

__all__ = ["GAM", "GABBase", "GAUBase", "UnitDecl", "gau_test"]

_LAZY = {
    "GAUBase": "genesys.gau.base",
    "GABBase": "genesys.gau.base",
    "GAM": "genesys.gau.model",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_LAZY[name]), name)
