"""Renaming keeps to module-level names."""

from __future__ import annotations

from genesys.gau.rename import rename

CODE = """\
import math as m
from torch import scale

def f(scale, x=scale):
    return scale + x

def g(x):
    y = scale(x, scale=x)  # scale
    return y.scale, [scale for scale in y], "scale"

def h():
    global scale
    scale = Child
CHILDREN_DECLARATIONS = [UnitDecl(unitname="Child", requirements="Child")]
"""

RENAMED = """\
import math as mm
from torch import scale as big

def f(scale, x=big):
    return scale + x

def g(x):
    y = big(x, scale=x)  # scale
    return y.scale, [scale for scale in y], "scale"

def h():
    global big
    big = Kid
CHILDREN_DECLARATIONS = [UnitDecl(unitname="Kid", requirements="Kid")]
"""


def test_renames_module_level_names_and_nothing_else():
    assert rename(CODE, {"scale": "big", "m": "mm", "Child": "Kid"}) == RENAMED


def test_no_names_no_change():
    assert rename(CODE, {}) is CODE
