"""Runs a composed block. For sandbox workers, and for trusted seeds in tests; nowhere else."""

from __future__ import annotations

import linecache
from types import ModuleType

BLOCK_FILE = "gab.py"


def load_block(code: str, name: str = "gab") -> ModuleType:
    """Execute the text of a ``gab.py`` as a module with ``GAB`` and ``gab_config``.

    Its source is known to tracebacks under the file name ``gab.py``.
    """
    module = ModuleType(name)
    module.__file__ = BLOCK_FILE
    linecache.cache[BLOCK_FILE] = (len(code), None, code.splitlines(keepends=True), BLOCK_FILE)
    exec(compile(code, BLOCK_FILE, "exec"), vars(module))
    return module
