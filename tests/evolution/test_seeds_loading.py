"""Seeds, and the ways in which a seed folder can be wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from genesys.errors import GenesysError, TreeError, UnitError, UnknownNameError
from genesys.evolution.seeds import load_seed
from genesys.records import Operator
from genesys.resources import resource


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(resource("seeds") / "gpt2", tmp_path / "mine")
    return tmp_path / "mine"


def test_by_name_and_by_path(folder: Path) -> None:
    by_name, by_path = load_seed("gpt2"), load_seed(str(folder))
    assert by_name == by_path
    assert by_name.operator is Operator.SEED
    assert by_name.units[0].name == by_name.root
    assert by_name.structural_hash


def test_a_name_that_nobody_has() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'gpt2'"):
        load_seed("gpt")


def test_a_syntax_error(folder: Path) -> None:
    path = folder / "units" / "MHA.py"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:4], "class (:", *lines[4:]]))
    with pytest.raises(UnitError, match=r"MHA\.py:5") as caught:
        load_seed(str(folder))
    assert caught.value.line == 5


def test_a_missing_child(folder: Path) -> None:
    (folder / "units" / "MHA.py").unlink()
    (folder / "units" / "RotaryPositionalEmbeddings.py").unlink()
    with pytest.raises(TreeError, match=r"'MHA', a child of GPT2, has no file units/MHA\.py"):
        load_seed(str(folder))


def test_two_units_of_one_name(folder: Path) -> None:
    shutil.copy(folder / "units" / "MHA.py", folder / "units" / "Copy.py")
    with pytest.raises(GenesysError, match="MHA"):
        load_seed(str(folder))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"no design\.yaml"),
        ("root: [", "cannot be read"),
        ("name: gpt2\n", "root"),
        ("name: gpt2\nroot: Absent\n", "Absent"),
        ("name: 'no good name'\nroot: GPT2\n", "name: String should match"),
    ],
)
def test_a_bad_design_file(folder: Path, content: str | None, message: str) -> None:
    (folder / "design.yaml").unlink()
    if content is not None:
        (folder / "design.yaml").write_text(content)
    with pytest.raises(TreeError, match=message):
        load_seed(str(folder))
