"""Runs a composed block. For sandbox workers, and for trusted seeds in tests; nowhere else."""

from __future__ import annotations

import linecache
import sys
from types import ModuleType

BLOCK_FILE = "gab.py"


def load_block(code: str, name: str = "gab") -> ModuleType:
    """Execute the text of a ``gab.py`` as a module with ``GAB`` and ``gab_config``.

    Its source is known to tracebacks under the file name ``gab.py``.
    """
    module = sys.modules[name] = ModuleType(name)  # dataclasses look their module up
    module.__file__ = BLOCK_FILE
    linecache.cache[BLOCK_FILE] = (len(code), None, code.splitlines(keepends=True), BLOCK_FILE)
    # Units do not take over the future imports of this file.
    exec(compile(code, BLOCK_FILE, "exec", dont_inherit=True), vars(module))
    return module
