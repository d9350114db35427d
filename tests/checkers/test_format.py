"""The format check: what it reads from a design, its rows, its classes of errors."""

from __future__ import annotations

import pytest

from genesys.errors import ConfigError
from genesys.gau.folder import load_tree
from genesys.records import Argument, CheckReport, Design, ErrorKind, Severity, Unit
from genesys.resources import resource
from genesys_checkers.format import FormatChecker

from .conftest import design, failed, line_of, root_over, unit

GOOD = unit("return self.map(X)")


def report_of(design: Design) -> CheckReport:
    return FormatChecker().check(design)


def with_code(old: str, new: str) -> Unit:
    assert old in GOOD.code
    return Unit(name="Mixer", code=GOOD.code.replace(old, new, 1))


# name: (text to replace, what with, class of error, part of the message, text of the line at fault)
FAULTS = {
    "docstring": (
        '"""A unit of a test."""',
        "pass",
        ErrorKind.NO_DOCSTRING,
        "no docstring",
        "class Mixer",
    ),
    "empty docstring": (
        '"""A unit of a test."""',
        '"""  """',
        ErrorKind.NO_DOCSTRING,
        "no docstring",
        "class Mixer",
    ),
    "two bases": (
        "(GAUBase)",
        "(GAUBase, object)",
        ErrorKind.WRONG_BASE,
        "bases besides",
        "class Mixer",
    ),
    "metaclass": (
        "(GAUBase)",
        "(GAUBase, metaclass=type)",
        ErrorKind.WRONG_BASE,
        "bases besides",
        "class Mixer",
    ),
    "other base": ("(GAUBase)", "(nn.Module)", ErrorKind.WRONG_BASE, "derived from", "class Mixer"),
    "no class": ("class Mixer(GAUBase):", "def mixer():", ErrorKind.NO_UNIT, "nor any class", None),
    "two units": (
        "@gau_test",
        "class Second(GAUBase):\n    pass\n\n\n@gau_test",
        ErrorKind.SEVERAL_UNITS,
        "Mixer, Second",
        "class Second",
    ),
    "other name": (
        "class Mixer",
        "class Blender",
        ErrorKind.WRONG_NAME,
        "Mixer.py defines Blender",
        "class Blender",
    ),
    "no marker": (
        "# GAU_IMPLEMENTATION_FILE\n",
        "",
        ErrorKind.TEMPLATE,
        "first line must be",
        "import torch",
    ),
    "star import": (
        "import torch\n",
        "import torch\nfrom math import *\n",
        ErrorKind.TEMPLATE,
        "one by one",
        "import *",
    ),
    "no declarations": (
        "CHILDREN_DECLARATIONS = []",
        "",
        ErrorKind.DECLARATIONS,
        "exactly one",
        None,
    ),
    "declarations that are computed": (
        "= []",
        "= list(())",
        ErrorKind.DECLARATIONS,
        "must be a list",
        "CHILDREN_D",
    ),
    "declaration of a number": (
        "= []",
        "= [UnitDecl(unitname=3)]",
        ErrorKind.DECLARATIONS,
        "cannot be the name",
        "CHILDREN_D",
    ),
    "no test": ("@gau_test\n", "", ErrorKind.NO_TEST, "no test", "class Mixer"),
    "empty test": ("    assert True", "    pass", ErrorKind.NO_TEST, "is empty", "def test_"),
    "test of a text": (
        "    assert True",
        '    """."""',
        ErrorKind.NO_TEST,
        "is empty",
        "def test_",
    ),
    "test in a function": (
        "@gau_test\ndef test_mixer_runs(device=None, dtype=None) -> None:\n    assert True",
        "def f():\n    @gau_test\n    def test_in(device=None, dtype=None):\n        assert True",
        ErrorKind.NO_TEST,
        "never run",
        "def test_in(",
    ),
    "asynchronous test": (
        "\ndef test_",
        "\nasync def test_",
        ErrorKind.NO_TEST,
        "never run",
        "async def",
    ),
    "test that asks for more": (
        "(device=None,",
        "(unit, device=None,",
        ErrorKind.ARGUMENTS,
        "asks for unit",
        "def test_",
    ),
    "no init": ("def __init__", "def setup", ErrorKind.ARGUMENTS, "no __init__", "class Mixer"),
    "init without self": (
        "(self, embed",
        "(this, embed",
        ErrorKind.ARGUMENTS,
        "not self",
        "def __init__",
    ),
    "init without kwarg_all": (
        "block_loc, kwarg_all, device=None",
        "block_loc, device=None",
        ErrorKind.ARGUMENTS,
        "given kwarg_all",
        "def __init__",
    ),
    "init by position": (
        "kwarg_all, device=None",
        "kwarg_all, /, device=None",
        ErrorKind.ARGUMENTS,
        "embed_dim, block_loc, kwarg_all by name",
        "def __init__",
    ),
    "argument without default": (
        "kwarg_all, device",
        "kwarg_all, heads, device",
        ErrorKind.ARGUMENTS,
        "heads of __init__ has no default",
        "def __init__",
    ),
    "named argument without default": (
        "dtype=None, **kwargs):",
        "dtype=None, *, heads, **kwargs):",
        ErrorKind.ARGUMENTS,
        "heads of __init__ has no default",
        "def __init__",
    ),
    "no super call": (
        "super().__init__(",
        "print(",
        ErrorKind.ARGUMENTS,
        "super().__init__",
        "def __init__",
    ),
    "super call with too much": (
        "kwarg_all)\n",
        "kwarg_all, device=device)\n",
        ErrorKind.ARGUMENTS,
        "device is too much",
        "super().__init__(",
    ),
    "factory_kwargs without dtype": (
        '{"device": device, "dtype": dtype}',
        '{"device": device}',
        ErrorKind.FACTORY_KWARGS,
        "does not hold the dtype",
        "self.factory_kwargs =",
    ),
    "factory_kwargs of a fixed type": (
        '"dtype": dtype}',
        '"dtype": torch.float32}',
        ErrorKind.FACTORY_KWARGS,
        "does not hold the dtype",
        "self.factory_kwargs =",
    ),
    "factory_kwargs too late": (
        "        self.factory_kwargs = {",
        "        nn.Linear(2, 2, **self.factory_kwargs)\n        self.factory_kwargs = {",
        ErrorKind.FACTORY_KWARGS,
        "before it is set",
        "nn.Linear(2, 2",
    ),
    "no _forward": ("def _forward", "def run", ErrorKind.TEMPLATE, "no _forward", "class Mixer"),
    "own forward": (
        "def _forward",
        "def forward",
        ErrorKind.TEMPLATE,
        "overrides forward",
        "def forward",
    ),
    "other input": (
        "_forward(self, X, **Z)",
        "_forward(self, x)",
        ErrorKind.ARGUMENTS,
        "_forward takes",
        "def _forward",
    ),
    "Z without default": (
        "X, **Z",
        "X, q, **Z",
        ErrorKind.ARGUMENTS,
        "q of _forward has no default",
        "def _forward",
    ),
    "named Z without default": (
        "X, **Z",
        "X, *, q, **Z",
        ErrorKind.ARGUMENTS,
        "q of _forward has no default",
        "def _forward",
    ),
    "own module": (
        "class Mixer",
        "class Inner(nn.Module):\n    pass\n\n\nclass Mixer",
        ErrorKind.OWN_MODULE,
        "Inner is a module",
        "class Inner",
    ),
    "own layer": (
        "class Mixer",
        "class Inner(nn.Linear):\n    pass\n\n\nclass Mixer",
        ErrorKind.OWN_MODULE,
        "Inner is a module",
        "class Inner",
    ),
    "own module by another name": (
        "class Mixer",
        "Base = torch.nn.Module\n\n\nclass Inner(Base):\n    pass\n\n\nclass Mixer",
        ErrorKind.OWN_MODULE,
        "Inner is a module",
        "class Inner",
    ),
    "own module in a function": (
        "        B, L, D = X.shape",
        "        class Inner(nn.Module):\n            pass",
        ErrorKind.OWN_MODULE,
        "Inner is a module",
        "class Inner",
    ),
    "own module by type": (
        "        B, L, D = X.shape",
        "        Inner = type('Inner', (nn.Module,), {})",
        ErrorKind.OWN_MODULE,
        "made with type()",
        "type('Inner'",
    ),
    "child not used": (
        "= []",
        "= [UnitDecl(unitname='Ghost')]",
        ErrorKind.UNUSED_CHILD,
        "declared and not used",
        "'Ghost'",
    ),
    "child in an annotation only": (
        "= []",
        "= [UnitDecl('Ghost')]\n\n\ndef f(x: Ghost) -> Ghost:\n    return x",
        ErrorKind.UNUSED_CHILD,
        "declared and not used",
        "'Ghost'",
    ),
    "child that nobody wrote": (
        "        common.update",
        "        self.x = Ghost(embed_dim, block_loc, kwarg_all=kwarg_all)\n        common.update",
        ErrorKind.UNDECLARED_CHILD,
        "Ghost is used and not declared",
        "self.x = Ghost",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_has_class_and_line(name: str) -> None:
    old, new, kind, says, where = FAULTS[name]
    broken = with_code(old, new)
    report = report_of(design(broken))
    found = [i for i in report.issues if says in i.message]
    assert len(found) == 1, report.issues
    assert (found[0].severity, found[0].kind) == (Severity.ERROR, kind)
    line = line_of(broken, where) if where else None
    assert (found[0].unit, found[0].line) == ("Mixer", line)
    assert found[0].hint
    assert failed(report) == ["formatter"]
    assert kind.of_format


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("class Mixer(GAUBase):", "class Mixer(GAUBase:"),
        ("        B, L, D = X.shape\n", "        B, L, D = X.shape\n    return 3\n  x\n"),
        ("        B, L, D = X.shape", "        nonlocal B"),
        ("import torch\n", "import torch\nreturn 3\n"),
        ("import torch\n", "import torch\nx = yield\n"),
        ("(self, X, **Z)", "(self, X, X, **Z)"),
    ],
)
def test_code_that_does_not_compile_is_the_parsers(old: str, new: str) -> None:
    report = report_of(design(with_code(old, new)))
    assert failed(report) == ["parser"]
    assert [i.kind for i in report.issues] == [ErrorKind.SYNTAX]
    assert report.issues[0].line


def test_every_file_that_does_not_parse_is_named() -> None:
    files = [Unit(name=name, code="def f(:\n") for name in ("One", "Two")]
    report = report_of(Design(name="x", root="One", units=files))
    assert [(i.unit, i.line) for i in report.issues] == [("One", 1), ("Two", 1)]


def test_every_faulty_file_is_named() -> None:
    root = root_over(GOOD)
    files = [Unit(name=u.name, code=u.code.replace("(GAUBase)", "(object)")) for u in root.units]
    report = report_of(root.model_copy(update={"units": files}))
    assert [(i.unit, i.kind) for i in report.issues] == [
        ("Root", ErrorKind.WRONG_BASE),
        ("Mixer", ErrorKind.WRONG_BASE),
    ]


def test_template_has_no_issue() -> None:
    report = report_of(root_over(GOOD))
    assert report == CheckReport(results=report.results)
    assert [r.check for r in report.results] == ["parser", "formatter"]
    assert report.valid


@pytest.mark.parametrize("seed", ["gpt2", "mamba2", "retnet", "rwkv6", "ttt"])
def test_seeds_have_no_issue(seed: str) -> None:
    report = report_of(load_tree(resource("seeds") / seed).as_design(name=seed))
    assert report.valid
    assert (report.issues, report.repairs) == ([], [])


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
    (issue,) = report_of(design(root, under, grand)).issues
    assert issue.kind is ErrorKind.UNDECLARED_CHILD
    assert (issue.unit, issue.line) == ("Root", line_of(root, "self.other = G"))


@pytest.mark.parametrize(
    "init",
    [
        "self.all = nn.Sequential(Child(**common), nn.Tanh())",
        "self.all = torch.nn.Sequential(*[Child(**common) for _ in range(2)])",
        "self.all = nn.Sequential(OrderedDict([('a', Child(**common))]))",
        "parts = [Child(**common), nn.Tanh()]\nself.all = nn.Sequential(*parts)",
        "parts = []\nparts.append(Child(**common))\nself.all = nn.Sequential(*parts)",
        "self.c = Child(**common)\nself.all = nn.Sequential(self.c, nn.Tanh())",
        "self.all = nn.Sequential()\nself.all.append(Child(**common))",
        "Row = nn.Sequential\nself.all = Row(Child(**common))",
    ],
)
def test_unit_in_a_sequential(init: str) -> None:
    root = unit("return self.all(X)", init, name="Root", children=("Child",))
    (issue,) = report_of(design(root, unit("return X", name="Child"))).issues
    assert "nn.Sequential" in issue.message
    assert issue.line == line_of(root, init.splitlines()[-1])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"root": "Other"}, "root unit 'Other'"),
        ({"args": [Argument(name="heads", json_value="{")]}, "no JSON"),
        ({"units": [GOOD, GOOD]}, "Two units"),
        ({"units": [GOOD, unit("return X", name="Loose")]}, "No unit calls Loose"),
    ],
)
def test_broken_tree_is_one_issue(change: dict[str, object], says: str) -> None:
    broken = Design(name="x", root="Mixer", units=[GOOD]).model_copy(update=change)
    report = report_of(broken)
    assert failed(report) == ["formatter"]
    assert [says in issue.message for issue in report.issues] == [True], report.issues
    assert report.issues[0].kind is ErrorKind.TREE


def test_unit_that_is_not_written() -> None:
    alone = Design(name="alone", root="Root", units=root_over(GOOD).units[:1])
    (issue,) = report_of(alone).issues
    assert (issue.kind, issue.unit) == (ErrorKind.MISSING_UNIT, "Mixer")
    report = FormatChecker(placeholders="warning").check(alone)
    assert report.valid
    assert [i.severity for i in report.issues] == [Severity.WARNING]


def test_message_is_cut() -> None:
    named = with_code("_forward(self, X, **Z)", f"_forward(self, X, {'q' * 5000}, **Z)")
    (issue,) = report_of(design(named)).issues
    assert len(issue.message) == 1000


def test_second_test_that_is_empty_is_a_warning() -> None:
    empty = "@gau_test\ndef test_more(device=None, dtype=None) -> None:\n    pass\n\n\nCHILDREN_D"
    report = report_of(design(with_code("CHILDREN_D", empty)))
    assert [(i.severity, i.kind) for i in report.issues] == [(Severity.WARNING, ErrorKind.NO_TEST)]
    assert report.valid


def test_wrong_parameter_is_named() -> None:
    with pytest.raises(ConfigError, match=r"checker.format.placeholders.*maybe"):
        FormatChecker(placeholders="maybe")


def test_same_design_gets_the_same_report() -> None:
    broken = design(with_code("(GAUBase)", "(GAUBase, object)"))
    assert report_of(broken).issues == report_of(broken).issues
