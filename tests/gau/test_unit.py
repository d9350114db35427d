"""The template, read without running it."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesys.errors import UnitError
from genesys.gau.unit import parse_unit

from .conftest import unit_code

GOOD = unit_code("Mixer", ("Norm",), helper="scale")


def test_reads_what_the_template_says():
    unit = parse_unit(GOOD)
    assert (unit.name, unit.docstring, unit.tests) == ("Mixer", "Unit Mixer.", ("test_unit",))
    assert [child.unitname for child in unit.children] == ["Norm"]
    assert unit.code == GOOD


def test_keeps_declarations():
    code = GOOD.replace(
        "UnitDecl(unitname='Norm')",
        "UnitDecl('Norm', requirements='r', inputs=['X', 'q'], outputs=['Y'])",
    )
    (child,) = parse_unit(code).children
    assert (child.requirements, child.inputs, child.outputs) == ("r", ["X", "q"], ["Y"])


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("# GAU_IMPLEMENTATION_FILE", "# a file", 1, "first line"),
        ("return scale", "return scale(", 21, "syntax error"),
        ("(GAUBase)", "(object)", None, "found Mixer"),
        ("@gau_test", "class Other(GAUBase):\n    pass\n\n\n@gau_test", 24, "one file each"),
        ("class Mixer", "class GAB", 11, "cannot be the name"),
        ("class Mixer", "class _Mixer", 11, "cannot be the name"),
        ("CHILDREN_DECLARATIONS", "CHILDREN", None, "found 0"),
        ("UnitDecl(unitname='Norm')", "UnitDecl(unitname=norm)", 30, "in literals"),
        ("UnitDecl(unitname='Norm')", "UnitDecl(name='Norm')", 30, "in literals"),
        ("UnitDecl(unitname='Norm')", "'Norm'", 30, "declared as UnitDecl"),
        ("UnitDecl(unitname='Norm')", "UnitDecl(unitname='a b')", 30, "cannot be the name"),
        ("UnitDecl(unitname='Norm')", "UnitDecl(unitname='GAB')", 30, "reserved"),
        ("UnitDecl(unitname='Norm')", "UnitDecl('Norm'), UnitDecl('Norm')", 29, "twice"),
        ("import torch\n", "from torch import *\n", 2, "one by one"),
        ("import torch\n", "from __future__ import annotations\n", 2, "__future__"),
        ("import torch\n", "# === GENESYS block Mixer\n", 2, "reserved"),
    ],
)
def test_says_what_is_wrong_and_where(old, new, line, message):
    with pytest.raises(UnitError, match=message) as caught:
        parse_unit(GOOD.replace(old, new, 1))
    assert caught.value.line == line


@given(st.text())
def test_garbage_gets_a_unit_error(text):
    for code in (text, f"# GAU_IMPLEMENTATION_FILE\n{text}", GOOD.replace("Norm", text)):
        with suppress(UnitError):
            parse_unit(code)


@pytest.mark.parametrize(
    "text", ["(" * 5000, "-" * 100_000 + "1", "x" * 300_000, "a\x00b", "x" + ".y" * 300]
)
def test_code_that_chokes_a_parser_gets_a_unit_error(text):
    with pytest.raises(UnitError):
        parse_unit(f"# GAU_IMPLEMENTATION_FILE\n{text}")
