"""Trees: whole, walked, rendered, recombined."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesys.errors import TreeError, UnknownNameError
from genesys.gau.tree import GAUTree
from genesys.gau.unit import parse_unit

from .conftest import SEEDS, make_tree, trees, unit_code

TREE = {"Block": ("Norm", "Mix", "Mlp"), "Norm": (), "Mix": ("Norm", "Rope"), "Rope": (), "Mlp": ()}


def test_walks():
    tree = make_tree(TREE)
    assert tree.order() == ["Block", "Mix", "Norm", "Rope", "Mlp"]
    assert tree.children("Mix") == ("Norm", "Rope")
    assert tree.parents("Norm") == ("Block", "Mix")
    assert tree.placeholders() == set()
    assert tree.subtree("Mix").order() == ["Mix", "Norm", "Rope"]


def test_renders_shared_and_unwritten_units():
    tree = make_tree(
        {"Block": ("Mix", "Two"), "Mix": ("Norm",), "Norm": ("Deep",), "Two": ("Norm",)}
    )
    assert tree.render().split("\n") == [
        "Block",
        "├─ Mix",
        "│  └─ Norm",
        "│     └─ Deep (not written yet)",
        "└─ Two",
        "   └─ Norm (see above)",
    ]


@pytest.mark.parametrize(
    ("spec", "root", "message"),
    [
        ({"A": ("B",), "B": ("C",), "C": ("B",)}, "A", "circle: B > C > B"),
        ({"A": (), "B": ()}, "A", "No unit calls B"),
        ({"A": ()}, "B", "root unit 'B' has no code"),
    ],
)
def test_a_tree_must_be_whole(spec, root, message):
    units = {name: parse_unit(unit_code(name, children)) for name, children in spec.items()}
    with pytest.raises(TreeError, match=message):
        GAUTree(root, units)


@pytest.mark.parametrize(
    "args", [{"dtype": 1}, {"a b": 1}, {"x": float("nan")}, {"x": {1: 2}}, {"x": object()}]
)
def test_arguments_must_be_json_under_free_names(args):
    with pytest.raises(TreeError, match="argument"):
        GAUTree("A", {"A": parse_unit(unit_code("A"))}, args)


def test_replace_swaps_a_unit_and_what_only_it_called():
    tree = make_tree(TREE)
    new = tree.replace("Mix", make_tree({"Scan": ("Decay",), "Decay": ()}))
    assert new.order() == ["Block", "Norm", "Scan", "Decay", "Mlp"]
    assert new.units["Norm"] == tree.units["Norm"]
    assert "self.c1 = Scan(**common)" in new.units["Block"].code


def test_replace_can_wrap_the_unit_it_replaces():
    tree = make_tree(TREE)
    wrap = GAUTree(
        "Gate", {"Gate": parse_unit(unit_code("Gate", ("Mix",))), **tree.subtree("Mix").units}
    )
    assert tree.replace("Mix", wrap).order() == ["Block", "Gate", "Mix", "Norm", "Rope", "Mlp"]


def test_replace_renames_different_code_of_one_name():
    scion = GAUTree(
        "Scan",
        {
            "Scan": parse_unit(unit_code("Scan", ("Norm",))),
            "Norm": parse_unit(unit_code("Norm", body="X * 2")),
        },
    )
    new = make_tree(TREE).replace("Mix", scion)
    assert new.order() == ["Block", "Norm", "Scan", "Norm2", "Mlp"]
    assert "X * 2" in new.units["Norm2"].code
    assert new.children("Scan") == ("Norm2",)


def test_replace_shares_equal_units():
    new = make_tree(TREE).replace("Mix", make_tree({"Scan": ("Norm",), "Norm": ()}))
    assert new.order() == ["Block", "Scan", "Norm", "Mlp"]


def test_replace_does_not_fill_someone_elses_placeholder():
    tree = make_tree({"A": ("B", "C"), "C": ()})
    new = tree.replace("C", make_tree({"D": ("B",), "B": ()}))
    assert new.placeholders() == {"B"}
    assert new.children("D") == ("B2",)


def test_replace_never_closes_a_circle():
    tree = make_tree({"A": ("B",), "B": ("C",)})
    new = tree.replace("C", make_tree({"D": ("B",), "B": ("C",)}))
    assert new.order() == ["A", "B", "D", "B2", "C"]


def test_replace_fills_a_placeholder():
    tree = make_tree({"A": ("B", "C"), "C": ()})
    assert tree.replace("B", make_tree({"B": ()})).placeholders() == set()


def test_replace_the_root():
    new = make_tree({"New": ()})
    assert make_tree(TREE).replace("Block", new) == new


def test_protected_units_stay():
    tree = make_tree(TREE)
    with pytest.raises(TreeError, match="'Mix' is protected"):
        tree.replace("Mix", make_tree({"Scan": ()}), protected={"Mix"})
    with pytest.raises(TreeError, match="would drop Rope"):
        tree.replace("Mix", make_tree({"Scan": ()}), protected={"Rope"})
    new = tree.replace("Mix", make_tree({"Scan": ()}), protected={"Norm", "Mlp"})
    assert all(new.units[name] == tree.units[name] for name in ("Norm", "Mlp"))


def test_unknown_units_are_named():
    with pytest.raises(UnknownNameError, match="Did you mean 'Mix'"):
        make_tree(TREE).replace("Mixx", make_tree({"Scan": ()}))
    with pytest.raises(UnknownNameError, match="No unit named 'Z'"):
        make_tree(TREE).subtree("Z")


@given(trees(), trees(), st.data())
def test_recombined_trees_are_whole(tree, donor, data):
    """Whatever is put wherever: the tree is whole, and what was not touched stays."""
    target = data.draw(st.sampled_from(tree.order()))
    name = data.draw(st.sampled_from(sorted(donor.units)))
    new = tree.replace(target, donor.subtree(name))
    assert GAUTree.of(new.as_design("child")) == new
    changed = {target, *tree.parents(target)}
    for kept in set(tree.units) & set(new.units) - changed - set(donor.units):
        assert new.units[kept] == tree.units[kept]


@pytest.mark.parametrize("name", SEEDS)
def test_designs_and_trees_convert(name, seed_trees):
    tree = seed_trees[name]
    design = tree.as_design(name)
    assert GAUTree.of(design) == tree
    assert design.units[0].name == tree.root


def test_designs_with_faults_are_rejected():
    design = make_tree(TREE).as_design("d")
    doubled = design.model_copy(update={"units": [*design.units, design.units[0]]})
    with pytest.raises(TreeError, match="Two units are called 'Block'"):
        GAUTree.of(doubled)
