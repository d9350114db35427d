"""Designs as folders."""

from __future__ import annotations

import pytest

from genesys.errors import TreeError, UnitError
from genesys.gau.folder import load_tree, save_tree
from genesys.gau.tree import GAUTree

from .conftest import SEEDS, make_tree, unit_code


@pytest.mark.parametrize("name", SEEDS)
def test_saved_trees_load_again(name, seed_trees, tmp_path):
    save_tree(seed_trees[name], tmp_path, name=name)
    assert load_tree(tmp_path) == seed_trees[name]


def test_line_ends_stay(tmp_path):
    tree = make_tree({"A": ()})
    unit = tree.units["A"]
    crlf = GAUTree(
        "A", {"A": type(unit)(**{**vars(unit), "code": unit.code.replace("\n", "\r\n")})}
    )
    save_tree(crlf, tmp_path, name="d")
    assert load_tree(tmp_path).units["A"].code == crlf.units["A"].code


@pytest.fixture
def folder(tmp_path):
    save_tree(make_tree({"A": ("B",), "B": ()}), tmp_path, name="design")
    return tmp_path


@pytest.mark.parametrize(
    ("file", "text", "error", "message"),
    [
        ("design.yaml", None, TreeError, "is no design: it has no design.yaml"),
        ("design.yaml", "a: [", TreeError, "design.yaml cannot be read"),
        ("design.yaml", "- a", TreeError, "must be a mapping with 'name' and 'root'"),
        ("design.yaml", "root: A", TreeError, "must give the design's 'name'"),
        ("design.yaml", "{name: d, root: A, args: [1]}", TreeError, "'args' must be a mapping"),
        ("design.yaml", "{name: d, root: Z}", TreeError, "root unit 'Z' has no code"),
        ("units/B.py", unit_code("B")[:-5] + "(", UnitError, r"B.py:24: syntax error"),
        ("units/C.py", unit_code("B"), TreeError, "Two files define the unit 'B'"),
        ("units/A0.py", unit_code("B"), TreeError, "Two files define the unit 'B'"),
        ("units/C.py", unit_code("D"), TreeError, "file and unit must have one name"),
        ("units/C.py", unit_code("C"), TreeError, "No unit calls C"),
    ],
)
def test_faulty_folders_are_explained(folder, file, text, error, message):
    path = folder / file
    if text is None:
        path.unlink()
    else:
        path.write_text(text)
    with pytest.raises(error, match=message):
        load_tree(folder)


def test_a_missing_file_is_a_placeholder(folder):
    (folder / "units" / "B.py").unlink()
    assert load_tree(folder).placeholders() == {"B"}


def test_a_binary_file_is_explained(folder):
    (folder / "units" / "B.py").write_bytes(b"\xff\xfe")
    with pytest.raises(TreeError, match=r"B\.py is no text"):
        load_tree(folder)
