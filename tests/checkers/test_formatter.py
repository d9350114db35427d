"""The rules that show in a unit's source."""

from __future__ import annotations

import pytest

from genesys.gau.folder import load_tree
from genesys.gau.unit import parse_unit
from genesys.records import Argument, Design, Severity, Unit
from genesys.resources import resource
from genesys_checkers.formatter import check_format
from genesys_checkers.static import check_static

from .conftest import design, failed, line_of, root_over, unit

GOOD = unit("return self.map(X)")
TEST_LOOP = "for t in range(3):\n        torch.ones(2, 3)[:, t]"
LOOP = "out = []\nfor t in range(L):\n    out.append(self.map(X[:, {index}]))\n"

# name: (text to replace, what with, part of the message, text of the line at fault)
FAULTS = {
    "docstring": ('"""A unit of a test."""', "pass", "no docstring", "class Mixer"),
    "two bases": ("(GAUBase)", "(GAUBase, object)", "several base classes", "class Mixer"),
    "no test": ("@gau_test\n", "", "no test", "class Mixer"),
    "test without device": (
        "(device=None, dtype=None) ->",
        "() ->",
        "device and dtype",
        "def test_",
    ),
    "no init": ("def __init__", "def setup", "no __init__", "class Mixer"),
    "init without kwarg_all": (
        "block_loc, kwarg_all, device=None",
        "block_loc, device=None",
        "lacks the argument kwarg_all",
        "def __init__",
    ),
    "init without kwargs": (", **kwargs", "", "no **kwargs", "def __init__"),
    "argument without default": (
        "kwarg_all, device",
        "kwarg_all, heads, device",
        "heads of __init__ has no default",
        "def __init__",
    ),
    "no factory_kwargs": (
        "self.factory_kwargs = {",
        "made = {",
        "set self.factory",
        "def __init__",
    ),
    "no super call": ("super().__init__(", "print(", "super().__init__", "def __init__"),
    "no _forward": ("def _forward", "def run", "no _forward", "class Mixer"),
    "own forward": ("def _forward", "def forward", "overrides forward", "def forward"),
    "other input": (
        "_forward(self, X, **Z)",
        "_forward(self, x)",
        "_forward takes",
        "def _forward",
    ),
    "Z without default": ("X, **Z", "X, q, **Z", "q of _forward has no default", "def _forward"),
    "import": ("import torch\n", "import torch\nimport os\n", "import of os", "import os"),
    "import from": (
        "import torch\n",
        "import torch\nfrom subprocess import run\n",
        "import of subprocess",
        "subprocess",
    ),
    "inside of genesys": (
        "import torch\n",
        "import torch\nfrom genesys.sandbox import Job\n",
        "import of genesys.sandbox",
        "genesys.sandbox",
    ),
    "open": ("return self.map(X)", "open('x')\n        return X", "call of open", "open("),
    "eval": ("return self.map(X)", "return eval('X')", "call of eval", "eval("),
    "own module": (
        "class Mixer",
        "class Inner(nn.Module):\n    pass\n\n\nclass Mixer",
        "Inner is a module",
        "class Inner",
    ),
    "child not used": ("[]", "[UnitDecl(unitname='Ghost')]", "Ghost is declared", "class Mixer"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_rule_names_the_line(name: str) -> None:
    old, new, says, where = FAULTS[name]
    broken = Unit(name="Mixer", code=GOOD.code.replace(old, new))
    issues = check_format(parse_unit(broken.code), frozenset({"Mixer"}))
    found = [issue for issue in issues if says in issue.message]
    assert len(found) == 1, issues
    assert found[0].severity is Severity.ERROR
    assert (found[0].unit, found[0].line) == ("Mixer", line_of(broken, where))
    assert found[0].hint


def test_template_has_no_issue() -> None:
    assert check_format(parse_unit(GOOD.code), frozenset({"Mixer"})) == []


@pytest.mark.parametrize("seed", ["gpt2", "mamba2", "retnet", "rwkv6", "ttt"])
def test_seeds_have_no_issue(seed: str) -> None:
    tree, report = check_static(
        load_tree(resource("seeds") / seed).as_design(name=seed), Severity.ERROR
    )
    assert tree is not None
    assert report.issues == []


def test_unit_that_is_used_and_not_declared() -> None:
    root = unit(
        "return self.other(X, **Z)",
        "self.child = Child(**common)\nself.other = Grandchild(**common)",
        name="Root",
        children=("Child",),
    )
    under = unit(
        "return self.g(X, **Z)", "self.g = Grandchild(**common)", "Child", children=("Grandchild",)
    )
    grand = unit("return self.map(X)", name="Grandchild")
    _, report = check_static(design(root, under, grand), Severity.ERROR)
    assert [i.message for i in report.issues] == ["The unit Grandchild is used and not declared."]


def test_unit_in_a_sequential() -> None:
    root = unit(
        "return self.all(X)",
        "self.all = nn.Sequential(Child(**common), nn.Tanh())",
        name="Root",
        children=("Child",),
    )
    _, report = check_static(design(root, unit("return X", name="Child")), Severity.ERROR)
    assert ["nn.Sequential" in i.message for i in report.issues] == [True]
    assert report.issues[0].line == line_of(root, "nn.Sequential")


@pytest.mark.parametrize("index", ["t", "t : t + 1", "t, :"])
def test_loop_over_positions_is_a_warning(index: str) -> None:
    slow = unit(LOOP.format(index=index) + "return torch.stack(out, 1).view(B, L, D)")
    issues = check_format(parse_unit(slow.code), frozenset())
    assert [i.severity for i in issues] == [Severity.WARNING]
    assert issues[0].line == line_of(slow, "X[:,")


def test_loop_of_a_test_is_none() -> None:
    looped = unit("return self.map(X)", test=TEST_LOOP)
    assert check_format(parse_unit(looped.code), frozenset()) == []


def test_loop_over_heads_is_none() -> None:
    heads = unit("parts = X.chunk(4, -1)\nfor h in range(4):\n    parts[h]\nreturn self.map(X)")
    assert check_format(parse_unit(heads.code), frozenset()) == []


def test_layer_without_device_is_a_warning() -> None:
    issues = check_format(
        parse_unit(unit("return self.map(X)", "self.x = nn.Linear(2, 2)").code), frozenset()
    )
    assert [i.severity for i in issues] == [Severity.WARNING]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"root": "Other"}, "root unit 'Other'"),
        ({"args": [Argument(name="heads", json_value="{")]}, "no JSON"),
        ({"units": [GOOD, GOOD]}, "Two units"),
        ({"units": [GOOD, unit("return X", name="Loose")]}, "No unit calls Loose"),
    ],
)
def test_broken_design_is_one_issue(change: dict[str, object], says: str) -> None:
    broken = Design(name="x", root="Mixer", units=[GOOD]).model_copy(update=change)
    tree, report = check_static(broken, Severity.ERROR)
    assert tree is None
    assert failed(report) == ["formatter"]
    assert [says in issue.message for issue in report.issues] == [True], report.issues


def test_warning_does_not_fail_a_design() -> None:
    slow = unit(LOOP.format(index="t") + "return torch.stack(out, 1)")
    _, report = check_static(root_over(slow), Severity.ERROR)
    assert report.valid
    assert len(report.issues) == 1
