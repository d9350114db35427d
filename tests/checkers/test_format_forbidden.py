"""What a unit has no use for is named with its line; what it may use is left alone."""

from __future__ import annotations

import pytest

from genesys.records import ErrorKind, Issue, Unit
from genesys_checkers.format import FormatChecker

from .conftest import design, line_of, unit

PLAIN = unit("return self.map(X)")

# Lines at the top of the file, the last of which is at fault, and part of the message.
IMPORTS = {
    "import os": "import of os",
    "import os.path as p": "import of os.path",
    "from subprocess import run": "import of subprocess",
    "import importlib": "import of importlib",
    "from importlib import import_module": "import of importlib",
    "import math, socket": "import of socket",
    "import builtins": "import of builtins",
    "from . import helper": "import of .",
    "import numpy as np": "import of numpy",
    "from genesys.sandbox import Job": "import of genesys.sandbox",
    "import genesys": "import of genesys",
    "import genesys.gau.load": "import of genesys.gau.load",
    "from genesys.gau import load": "import of genesys.gau.load",
    "from torch import hub": "import of torch.hub",
    "from torch import load": "import of torch.load",
    "import torch.hub as h": "import of torch.hub",
    "import torch.distributed": "import of torch.distributed",
    "from torch.distributed import all_reduce": "import of torch.distributed",
    "from torch import multiprocessing as mp": "import of torch.multiprocessing",
    "import torch.utils.cpp_extension": "import of torch.utils.cpp_extension",
    "from torch.utils.cpp_extension import load_inline": "import of torch.utils.cpp_extension",
    "from torch.utils import data": "import of torch.utils.data",
    "from torch import os": "import of torch.os",
    "from functools import sys": "import of functools.sys",
}
# Statements of _forward.
USES = {
    "open('x')": "use of open",
    "eval('X')": "use of eval",
    "exec('X = 1')": "use of exec",
    "compile('X', '', 'eval')": "use of compile",
    "__import__('os')": "use of __import__",
    "f = eval": "use of eval",
    "f = [open][0]": "use of open",
    "globals()['os']": "use of globals",
    "__builtins__['eval']": "use of __builtins__",
    "breakpoint()": "use of breakpoint",
    "exit()": "use of exit",
    "import os": "import of os",
    "torch.hub.load('a', 'b')": "use of torch.hub",
    "torch.load('x')": "use of torch.load",
    "torch.save(X, 'x')": "use of torch.save",
    "torch.os.system('x')": "use of torch.os",
    "nn.functional.importlib.import_module('os')": "use of torch.nn.functional.importlib",
    "torch.distributed.init_process_group()": "use of torch.distributed",
    "torch.multiprocessing.spawn(print)": "use of torch.multiprocessing",
    "torch.utils.cpp_extension.load('x')": "use of torch.utils.cpp_extension",
    "torch.ops.load_library('x')": "use of torch.ops.load_library",
    "t = torch; t.load('x')": "use of torch.load",
    "h = torch.hub; h.load('a')": "use of torch.hub",
    "torch.sum.__globals__": "use of __globals__",
    "().__class__.__base__.__subclasses__()": "use of __subclasses__",
    "f = lambda: 0; f.__code__": "use of __code__",
    "torch.equal = max": "changes torch.equal",
    "nn.Linear.forward = None": "changes torch.nn.Linear.forward",
    "del torch.sum": "changes torch.sum",
    "torch.set_default_dtype(torch.float64)": "changes torch.set_default_dtype",
    "torch.backends.mkldnn.enabled = False": "changes torch.backends.mkldnn.enabled",
}
ALLOWED = [
    "import math",
    "import torch.nn as nn",
    "import torch.nn.functional as F",
    "from collections import OrderedDict, deque",
    "from collections.abc import Sequence",
    "from contextlib import nullcontext",
    "from dataclasses import dataclass, field",
    "from functools import partial",
    "from genesys.gau import GAUBase as Base",
    "from torch import Tensor, nn",
    "from torch.nn import init",
    "from torch.signal import windows",
    "from torch.testing import assert_close",
    "from torch.utils.checkpoint import checkpoint",
    "from typing import TYPE_CHECKING, Any",
]
LEGAL = [
    "input = X\ninput.sum()",
    "open = X.sum()\nopen + 1",
    "class Box:\n    pass\nbox = Box()\nbox.load = 3",
    "self.load = X.mean()",
    "X.requires_grad",
    "print(X.shape)",
    "self.__class__.__name__",
    "torch.manual_seed(0)",
    "torch.cuda.is_available()",
    "torch.get_default_dtype()",
    "torch.signal",
    "getattr(self, 'map')(X)",
]


def issues_of(unit: Unit) -> list[Issue]:
    return FormatChecker().check(design(unit)).issues


@pytest.mark.parametrize("line", IMPORTS)
def test_import_is_named(line: str) -> None:
    code = PLAIN.code.replace("import torch\n", f"import torch\n{line}\n", 1)
    (issue,) = issues_of(Unit(name="Mixer", code=code))
    assert IMPORTS[line] in issue.message
    assert (issue.kind, issue.line) == (ErrorKind.FORBIDDEN, 3)


@pytest.mark.parametrize("line", USES)
def test_use_is_named(line: str) -> None:
    broken = unit(f"import math\n{line}\nreturn self.map(X)")
    issues = issues_of(broken)
    assert USES[line] in issues[0].message
    assert {(i.kind, i.line) for i in issues} == {(ErrorKind.FORBIDDEN, line_of(broken, line))}


@pytest.mark.parametrize("line", ALLOWED)
def test_import_is_allowed(line: str) -> None:
    code = PLAIN.code.replace("import torch\n", f"import torch\n{line}\n", 1)
    assert issues_of(Unit(name="Mixer", code=code)) == []


@pytest.mark.parametrize("line", LEGAL)
def test_use_is_allowed(line: str) -> None:
    assert issues_of(unit(f"{line}\nreturn self.map(X)")) == []


def test_test_may_change_settings() -> None:
    test = "before = torch.get_default_dtype()\n    torch.set_default_dtype(before)"
    assert issues_of(unit("return self.map(X)", test=test)) == []
