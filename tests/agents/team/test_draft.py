"""A design in the making: what is put in, reused, protected and left open."""

from __future__ import annotations

import pytest

from genesys.evolution.seeds import load_seed
from genesys.gau.tree import GAUTree
from genesys.gau.unit import UnitSource, parse_unit
from genesys_agents.team.answers import Unread
from genesys_agents.team.draft import Draft, read_units

UNIT = '''# GAU_IMPLEMENTATION_FILE
from genesys.gau import GAUBase, UnitDecl, gau_test


class {name}(GAUBase):
    """Adds {number}."""

    def _forward(self, X, **Z):
        return X + {number}


CHILDREN_DECLARATIONS = [{children}]
'''


def unit(name: str, *children: str, number: int = 0) -> UnitSource:
    declared = ", ".join(f'UnitDecl(unitname="{child}")' for child in children)
    return parse_unit(UNIT.format(name=name, children=declared, number=number))


def put(draft: Draft, name: str, *files: UnitSource) -> Draft:
    after = draft.put(name, files)
    assert isinstance(after, Draft), str(after)
    return after


def refused(draft: Draft, name: str, *files: UnitSource) -> str:
    after = draft.put(name, files)
    assert isinstance(after, Unread)
    return str(after)


@pytest.fixture(scope="module")
def gpt2() -> GAUTree:
    return GAUTree.of(load_seed("gpt2"))


def test_from_scratch_unit_by_unit() -> None:
    draft = Draft(None)
    assert draft.open_units == [""]
    draft = put(draft, "", unit("Root", "Left", "Right"))
    assert draft.open_units == ["Left", "Right"]
    draft = put(draft, "Right", unit("Right"))
    draft = put(draft, "Left", unit("Left", "Deep"), unit("Deep"))
    assert draft.complete
    assert draft.tree is not None
    assert draft.tree.order() == ["Root", "Left", "Deep", "Right"]


def test_what_is_open_has_stubs() -> None:
    draft = put(Draft(None), "", unit("Root", "Left"))
    design = draft.design("it")
    assert [u.name for u in design.units] == ["Root", "Left"]
    assert "Stands for a unit" in design.units[1].code
    assert not draft.complete


def test_a_failed_attempt_leaves_the_draft_as_it_was() -> None:
    before = put(Draft(None), "", unit("Root", "Left"))
    refused(before, "Left", unit("Other"))
    assert before.open_units == ["Left"]


def test_a_mutation_replaces_one_unit(gpt2: GAUTree) -> None:
    draft = Draft.mutation(gpt2, "MHA", {})
    assert draft.open_units == ["MHA"]
    draft = put(draft, "MHA", unit("Shift", "RMSNorm", "Gate"))
    assert draft.open_units == ["Gate"]
    draft = put(draft, "Gate", unit("Gate"))
    assert draft.complete
    assert draft.tree is not None
    assert draft.tree.units["RMSNorm"] == gpt2.units["RMSNorm"]
    assert draft.tree.units["GatedMLP"] == gpt2.units["GatedMLP"]
    assert set(draft.tree.units) == {"GPT2", "RMSNorm", "GatedMLP", "Shift", "Gate"}


def test_a_mutation_may_keep_the_name(gpt2: GAUTree) -> None:
    draft = put(Draft.mutation(gpt2, "MHA", {}), "MHA", unit("MHA", number=7))
    assert draft.tree is not None
    assert draft.tree.units["MHA"].code == unit("MHA", number=7).code


def test_protected_units_stay(gpt2: GAUTree) -> None:
    draft = Draft.mutation(gpt2, "MHA", {})
    told = refused(draft, "MHA", unit("MHA", "RMSNorm"), unit("RMSNorm", number=9))
    assert "RMSNorm is not yours to change" in told
    same = put(draft, "MHA", unit("MHA", "RMSNorm"), gpt2.units["RMSNorm"])
    assert same.complete


def test_accepted_units_stay() -> None:
    draft = put(Draft(None), "", unit("Root", "Left", "Right"))
    draft = put(draft, "Left", unit("Left"))
    told = refused(draft, "Right", unit("Right"), unit("Left", number=3))
    assert "Left is written and accepted" in told


def test_children_come_from_the_stock(gpt2: GAUTree) -> None:
    stock = {"MHA": gpt2.subtree("MHA")}
    draft = put(Draft(None, stock=stock), "", unit("Root", "MHA"))
    assert draft.complete
    assert draft.tree is not None
    assert draft.tree.units["MHA"] == gpt2.units["MHA"]
    assert "RotaryPositionalEmbeddings" in draft.tree.units


@pytest.mark.parametrize(
    ("name", "files", "message"),
    [
        ("Left", [("Other", [])], "there is no class Left, but Other"),
        ("Left", [("Left", []), ("Loose", [])], "no unit calls Loose"),
        ("Left", [("Left", ["Root"])], "circle"),
    ],
)
def test_what_does_not_fit(name: str, files: list[tuple[str, list[str]]], message: str) -> None:
    draft = put(Draft(None), "", unit("Root", "Left"))
    assert message in refused(draft, name, *(unit(n, *children) for n, children in files))


def test_a_root_must_be_plain() -> None:
    assert "which class is the root" in refused(Draft(None), "", unit("A"), unit("B"))


def test_files_are_read() -> None:
    code = unit("Gate").code
    assert read_units([code]) == [unit("Gate")]
    assert read_units([code.split("\n", 1)[1]]) == [unit("Gate")]
    assert "block 1" in str(read_units(["def f(:"]))
    assert "Gate is written twice" in str(read_units([code, code]))
