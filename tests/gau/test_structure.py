"""The structural hash, and the diff of two designs."""

from __future__ import annotations

from hypothesis import given

from genesys.gau.diff import diff
from genesys.gau.rename import rename
from genesys.gau.structure import structural_hash
from genesys.gau.tree import GAUTree
from genesys.gau.unit import parse_unit

from .conftest import make_tree, trees


def edited(tree: GAUTree, edit) -> GAUTree:
    return GAUTree(
        tree.root, {n: parse_unit(edit(u.code)) for n, u in tree.units.items()}, tree.args
    )


@given(trees())
def test_looks_do_not_matter(tree):
    hashed = structural_hash(tree)
    assert structural_hash(edited(tree, lambda c: c.replace("\n\n", "\n# comment\n\n\n"))) == hashed
    assert structural_hash(edited(tree, lambda c: c.replace('"""Unit', '"""The unit'))) == hashed
    assert (
        structural_hash(edited(tree, lambda c: c.replace("def test_unit", "def test_it"))) == hashed
    )


@given(trees(prefix="P"))
def test_names_of_units_do_not_matter(tree):
    renamed = {}
    for name, unit in tree.units.items():
        own = [name, *tree.children(name)]
        code = rename(unit.code, {n: f"Q{n[1:]}" for n in own})
        renamed[f"Q{name[1:]}"] = parse_unit(code)
    other = GAUTree(f"Q{tree.root[1:]}", renamed)
    assert structural_hash(other) == structural_hash(tree)


def test_order_of_declarations_does_not_matter():
    tree = make_tree({"A": ("B", "C"), "B": (), "C": ("D",), "D": ()})
    swap = lambda c: c.replace(  # noqa: E731
        "UnitDecl(unitname='B'),\n    UnitDecl(unitname='C')",
        "UnitDecl(unitname='C'),\n    UnitDecl(unitname='B')",
    )
    assert edited(tree, swap).children("A") == ("C", "B")
    assert structural_hash(edited(tree, swap)) == structural_hash(tree)


def test_what_runs_matters():
    tree = make_tree({"A": ("B",), "B": ()})
    others = [
        edited(tree, lambda c: c.replace("return X", "return 2 * X")),
        make_tree({"A": ("B", "C"), "B": (), "C": ()}),
        make_tree({"A": ("B",)}),
        GAUTree(tree.root, tree.units, {"depth": 2}),
    ]
    assert len({structural_hash(t) for t in [tree, *others]}) == 1 + len(others)


def test_seeds_differ(seed_trees):
    assert len({structural_hash(t) for t in seed_trees.values()}) == len(seed_trees)


def test_diff_of_equal_trees_is_empty():
    tree = make_tree({"A": ("B",), "B": ()})
    assert diff(tree, tree) == ""


def test_diff_shows_tree_arguments_and_code():
    old = make_tree({"A": ("B", "C"), "B": (), "C": ()})
    new = old.replace("B", make_tree({"New": ()}))
    new = GAUTree(new.root, new.units, {"depth": 2})
    text = diff(old, new)
    assert "- ├─ B" in text and "+ ├─ New" in text
    assert "argument depth: not set -> 2" in text
    assert "unit A: changed" in text and "unit New: new" in text and "unit B: gone" in text
    assert "  +        self.c0 = New(**common)" in text
    assert "unit C" not in text
