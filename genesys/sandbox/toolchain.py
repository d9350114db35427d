"""What a guest that may compile is given to read and run: the machine's C++ compiler."""

from __future__ import annotations

import shutil
import sys
import sysconfig
from functools import cache
from pathlib import Path

# The compiler, and what it runs besides the parts in its own folders below /usr/lib. Inductor tries
# in a new Python whether what was compiled can be loaded.
PROGRAMS = ("g++", "gcc", "as", "ld", sys.executable)
FOLDERS = ("/usr/include", "/usr/local/include", "/usr/libexec/gcc")


@cache
def toolchain() -> tuple[str, ...]:
    """Its programs, one by one, and its headers and Python's; no compiler if there is none."""
    found = {*FOLDERS, sysconfig.get_path("include")}
    for name in PROGRAMS:
        if path := shutil.which(name, path="/usr/bin:/bin"):
            found |= {path, str(Path(path).resolve())}
    return tuple(sorted(path for path in found if Path(path).exists()))
