"""Repairs: what is added, that all else stays to the letter, and what is left to the author."""

from __future__ import annotations

import inspect

import pytest
from torch import nn

from genesys.gau.unit import parse_unit
from genesys.records import CheckReport, Design, ErrorKind, Severity, Unit
from genesys_checkers.format import FormatChecker
from genesys_checkers.rules.layers import LAYERS

from .conftest import design, unit

RECURRENT = {"GRU", "LSTM", "RNN"}
CHILD = unit("return self.map(X)", name="Child")
ROOT = unit(
    "return self.child(X, **Z)",
    "self.child = Child(**common, **kwarg_all)\n# more",
    "Root",
    children=("Child",),
)
INIT = "def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):"
SET = '        self.factory_kwargs = {"device": device, "dtype": dtype}\n'
SUPER = "super().__init__(embed_dim, block_loc, kwarg_all)"
TEST = "def test_root_runs(device=None, dtype=None) -> None:"
MORE = "        # more"


def given(text: str, place: str) -> Unit:
    assert place in ROOT.code
    return Unit(name="Root", code=ROOT.code.replace(place, text, 1))


def check(root: Unit) -> CheckReport:
    return FormatChecker().check(design(root, CHILD))


# name: (text of a valid root, what stands there instead, what the repair makes of that)
REPAIRS = {
    "device": (
        INIT,
        "def __init__(self, embed_dim, block_loc, kwarg_all, dtype=None, **kwargs):",
        "def __init__(self, embed_dim, block_loc, kwarg_all, dtype=None, device=None, **kwargs):",
    ),
    "device and dtype": (
        INIT,
        "def __init__(self, embed_dim, block_loc, kwarg_all, **kwargs):",
        INIT,
    ),
    "device after others, whose places stay": (
        INIT,
        "def __init__(self, embed_dim, block_loc, kwarg_all, width=3, **kwargs):",
        "def __init__(self, embed_dim, block_loc, kwarg_all, width=3, device=None, dtype=None, "
        "**kwargs):",
    ),
    "device behind a star": (
        INIT,
        "def __init__(self, embed_dim, block_loc, kwarg_all, *rest, **kwargs):",
        "def __init__(self, embed_dim, block_loc, kwarg_all, *rest, device=None, dtype=None, "
        "**kwargs):",
    ),
    "dtype among named ones": (
        INIT,
        "def __init__(self, embed_dim, block_loc, kwarg_all, *, device=None, **kwargs):",
        "def __init__(self, embed_dim, block_loc, kwarg_all, *, device=None, dtype=None, "
        "**kwargs):",
    ),
    "defaults": (
        INIT,
        "def __init__(self, embed_dim, block_loc, kwarg_all, device, dtype, width=3, **kwargs):",
        "def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, width=3, "
        "**kwargs):",
    ),
    "default with a type": (
        INIT,
        "def __init__(self, embed_dim, block_loc, kwarg_all, device, dtype: object, **kwargs):",
        "def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype: object = None, "
        "**kwargs):",
    ),
    "kwargs": (
        INIT,
        "def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None):",
        INIT,
    ),
    "kwargs after a star": (
        INIT,
        "def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, *rest):",
        "def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, *rest, "
        "**kwargs):",
    ),
    "kwargs after named ones": (
        INIT,
        "def __init__(self, *, embed_dim, block_loc, kwarg_all, device=None, dtype=None):",
        "def __init__(self, *, embed_dim, block_loc, kwarg_all, device=None, dtype=None, "
        "**kwargs):",
    ),
    "all of them, one a line": (
        INIT,
        "def __init__(\n        self,  # me\n        embed_dim,\n        block_loc,\n"
        "        kwarg_all,  # of all units\n    ):",
        "def __init__(\n        self,  # me\n        embed_dim,\n        block_loc,\n"
        "        kwarg_all,  # of all units\n        device=None,\n        dtype=None,\n"
        "        **kwargs,\n    ):",
    ),
    "all of them, in a line of their own": (
        INIT,
        "def __init__(\n        self, embed_dim, block_loc, kwarg_all  # of all units\n    ):",
        "def __init__(\n        self, embed_dim, block_loc, kwarg_all,  # of all units\n"
        "        device=None, dtype=None, **kwargs\n    ):",
    ),
    "factory_kwargs": (SET, "", SET),
    "factory_kwargs after the docstring": (
        SET,
        '        """Set up."""\n\n        # The base first.\n',
        f'        """Set up."""\n{SET}\n        # The base first.\n',
    ),
    "no argument of the base": (SUPER, "super().__init__()", SUPER),
    "some arguments of the base": (SUPER, "super().__init__(embed_dim)", SUPER),
    "arguments of the base by name": (
        SUPER,
        "super().__init__(block_loc=block_loc)",
        "super().__init__(block_loc=block_loc, embed_dim=embed_dim, kwarg_all=kwarg_all)",
    ),
    "arguments of the base by its class": (
        SUPER,
        "GAUBase.__init__(self)",
        "GAUBase.__init__(self, embed_dim, block_loc, kwarg_all)",
    ),
    "arguments of the base, one a line": (
        SUPER,
        "super().__init__(\n            embed_dim,  # D\n        )",
        "super().__init__(\n            embed_dim,  # D\n            block_loc,\n"
        "            kwarg_all,\n        )",
    ),
    "layer": (
        MORE,
        "        self.more = nn.Linear(4, 4)  # four",
        "        self.more = nn.Linear(4, 4, **self.factory_kwargs)  # four",
    ),
    "layer by another name": (
        MORE,
        "        from torch.nn import Linear as Lin; self.more = Lin(4, 4)",
        "        from torch.nn import Linear as Lin; self.more = Lin(4, 4, **self.factory_kwargs)",
    ),
    "layer behind letters of more bytes": (
        MORE,
        "        name = 'ĝaŭ'; self.more = nn.LayerNorm(4)",
        "        name = 'ĝaŭ'; self.more = nn.LayerNorm(4, **self.factory_kwargs)",
    ),
    "layers in layers": (
        MORE,
        "        self.more = nn.ModuleList(\n"
        "            [nn.Linear(i, 4) for i in (1, 2)]\n        )",
        "        self.more = nn.ModuleList(\n"
        "            [nn.Linear(i, 4, **self.factory_kwargs) for i in (1, 2)]\n        )",
    ),
    "layer, one argument a line": (
        MORE,
        "        self.more = nn.Conv1d(\n"
        "            4,  # in\n            4,\n            3,  # taps\n"
        "        )",
        "        self.more = nn.Conv1d(\n"
        "            4,  # in\n            4,\n            3,  # taps\n"
        "            **self.factory_kwargs,\n        )",
    ),
    "layer, arguments in a line of their own": (
        MORE,
        "        self.more = nn.Linear(\n            4, 4, bias=False\n        )",
        "        self.more = nn.Linear(\n"
        "            4, 4, bias=False, **self.factory_kwargs\n        )",
    ),
    "parameter": (
        MORE,
        "        self.w = nn.Parameter(torch.randn(4, 4) * 0.02)",
        "        self.w = nn.Parameter(torch.randn(4, 4, **self.factory_kwargs) * 0.02)",
    ),
    "parameter from a number": (
        MORE,
        "        self.w = nn.Parameter(torch.tensor([0.5, -1.0]))",
        "        self.w = nn.Parameter(torch.tensor([0.5, -1.0], **self.factory_kwargs))",
    ),
    "parameter full of a number": (
        MORE,
        "        self.w = nn.Parameter(torch.full((4,), 0.5))",
        "        self.w = nn.Parameter(torch.full((4,), 0.5, **self.factory_kwargs))",
    ),
    "child without factory_kwargs": (
        MORE,
        "        self.more = Child(embed_dim, block_loc, kwarg_all, **kwarg_all)",
        "        self.more = Child(embed_dim, block_loc, kwarg_all, **kwarg_all, "
        "**self.factory_kwargs)",
    ),
    "child without its arguments": (
        MORE,
        "        self.more = Child(embed_dim=8, **self.factory_kwargs)",
        "        self.more = Child(embed_dim=8, **self.factory_kwargs, block_loc=block_loc, "
        "kwarg_all=kwarg_all)",
    ),
    "child without anything": (
        MORE,
        "        self.more = Child()",
        "        self.more = Child(embed_dim=embed_dim, block_loc=block_loc, kwarg_all=kwarg_all, "
        "**self.factory_kwargs)",
    ),
    "child by a dict that lacks it": (
        MORE,
        "        args = {'embed_dim': embed_dim, 'block_loc': block_loc, 'kwarg_all': kwarg_all}\n"
        "        self.more = Child(**args)",
        "        args = {'embed_dim': embed_dim, 'block_loc': block_loc, 'kwarg_all': kwarg_all}\n"
        "        self.more = Child(**args, **self.factory_kwargs)",
    ),
    "test": (TEST, "def test_root_runs() -> None:", TEST),
    "test with device": (TEST, "def test_root_runs(device=None) -> None:", TEST),
}


@pytest.mark.parametrize("name", REPAIRS)
def test_repair_adds_what_is_missing_and_nothing_else(name: str) -> None:
    place, before, after = REPAIRS[name]
    report = check(given(before, place))
    assert [repair.unit for repair in report.repairs] == ["Root"], report.issues
    assert report.repairs[0].code == given(after, place).code
    assert report.valid
    assert report.issues == []


def test_layers_have_their_device_where_torch_has_it() -> None:
    """Whether a call gives a device by position is told from a table."""
    for name, place in LAYERS.items():
        taken = list(inspect.signature(getattr(nn, name)).parameters)
        assert name in RECURRENT or taken.index("device") == place
    base = list(inspect.signature(nn.RNNBase).parameters)
    assert {LAYERS[name] for name in RECURRENT} == {base.index("device") - 1}  # less the mode


def test_layer_that_gets_the_type_of_x_is_repaired() -> None:
    forward = "(X.float().softmax(-1).to(X.dtype))\n        return self.child("
    base = given("        self.more = nn.Linear(4, 4)", MORE)
    code = base.code.replace("return self.child(", f"self.more{forward}")
    report = check(Unit(name="Root", code=code))
    assert "nn.Linear(4, 4, **self.factory_kwargs)" in report.repairs[0].code


@pytest.mark.parametrize("name", REPAIRS)
def test_what_was_repaired_needs_no_repair(name: str) -> None:
    place, _, after = REPAIRS[name]
    report = check(given(after, place))
    assert (report.issues, report.repairs) == ([], [])


# name: (text of a valid root, what stands there instead, part of the message)
LEFT = {
    "device is looked for in kwargs": (
        INIT + "\n" + SET,
        "def __init__(self, embed_dim, block_loc, kwarg_all, **kwargs):\n"
        "        device = kwargs.get('device')\n        dtype = kwargs['dtype']\n" + SET,
        "does not take device and dtype",
    ),
    "device by position only": (
        INIT,
        "def __init__(self, device=None, /, *, embed_dim, block_loc, kwarg_all, dtype=None, "
        "**kwargs):",
        "does not take device",
    ),
    "kwargs is another argument": (
        INIT,
        INIT.replace("**kwargs", "kwargs=None"),
        "takes no **kwargs",
    ),
    "arguments of the base in another order": (
        SUPER,
        "super().__init__(embed_dim, kwarg_all)",
        "without kwarg_all",
    ),
    "width that was changed": (
        SUPER,
        "embed_dim = 2 * embed_dim\n        super().__init__()",
        "without embed_dim, block_loc, kwarg_all",
    ),
    "child in another order": (
        MORE,
        "        self.more = Child(embed_dim, kwarg_all, **self.factory_kwargs)",
        "without kwarg_all",
    ),
    "child of a width that was changed": (
        MORE,
        "        embed_dim = 8\n"
        "        self.more = Child(block_loc=block_loc, kwarg_all=kwarg_all, "
        "**self.factory_kwargs)",
        "without embed_dim",
    ),
}


@pytest.mark.parametrize("name", LEFT)
def test_what_could_change_the_meaning_is_left(name: str) -> None:
    place, before, says = LEFT[name]
    report = check(given(before, place))
    errors = [i for i in report.issues if i.severity is Severity.ERROR]
    assert [(i.kind, says in i.message) for i in errors] == [(ErrorKind.ARGUMENTS, True)], errors
    assert report.repairs == []


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("self.make = lambda: nn.Linear(4, 4)", "nn.Linear"),
        ("self.make = lambda: Child(embed_dim, block_loc, kwarg_all)", "Child"),
    ],
)
def test_layer_made_elsewhere_is_a_warning(line: str, says: str) -> None:
    report = check(given(f"        {line}", MORE))
    assert [(i.severity, i.kind) for i in report.issues] == [
        (Severity.WARNING, ErrorKind.FACTORY_KWARGS)
    ]
    assert says in report.issues[0].message
    assert report.repairs == [] and report.valid


def test_layer_made_before_factory_kwargs_is_a_warning() -> None:
    early = given(f"        x = nn.Linear(4, 4)\n{SET}", SET)
    report = check(early)
    assert [i.severity for i in report.issues] == [Severity.WARNING]
    assert report.repairs == []


def test_names_of_the_module_are_not_shadowed() -> None:
    test = "def test_root_runs() -> None:\n    assert torch.ones(1, device=device) == 1"
    used = given(test, f"{TEST}\n    assert True")
    named = Unit(name="Root", code=used.code.replace("\n\nclass", "\ndevice = 'cpu'\n\nclass", 1))
    report = check(named)
    assert ["does not take device" in i.message for i in report.issues] == [True]
    assert report.repairs == []


def test_repair_says_what_and_shows_the_difference() -> None:
    base = given("super().__init__()", SUPER)
    broken = Unit(name="Root", code=base.code.replace(MORE, "        self.w = nn.Linear(4, 4)"))
    (repair,) = check(broken).repairs
    assert repair.reason == (
        "super().__init__ is called without embed_dim, block_loc, kwarg_all. "
        "nn.Linear is made without device and dtype."
    )
    changes = [line for line in repair.diff.splitlines() if line[0] in "+-"]
    assert changes == [
        "--- a/units/Root.py",
        "+++ b/units/Root.py",
        "-        super().__init__()",
        "+        super().__init__(embed_dim, block_loc, kwarg_all)",
        "-        self.w = nn.Linear(4, 4)",
        "+        self.w = nn.Linear(4, 4, **self.factory_kwargs)",
    ]


def test_lines_are_those_of_the_repaired_file() -> None:
    broken = given("", SET)
    slow = broken.code.replace(
        "return self.child", "[X[:, t] for t in range(L)]; return self.child"
    )
    report = check(Unit(name="Root", code=slow))
    lines = report.repairs[0].code.split("\n")
    assert ["for t in range(L)" in lines[(i.line or 0) - 1] for i in report.issues] == [True]


def test_repaired_design_is_what_the_report_says() -> None:
    broken = design(given("super().__init__()", SUPER), CHILD)
    report = FormatChecker().check(broken)
    assert report.repaired(broken) == design(ROOT, CHILD)


def test_line_ends_are_kept() -> None:
    broken = given("super().__init__()", SUPER)
    (repair,) = check(Unit(name="Root", code=broken.code.replace("\n", "\r\n"))).repairs
    assert repair.code == ROOT.code.replace("\n", "\r\n")


def test_file_that_has_other_errors_is_repaired_too() -> None:
    broken = given(f"open('x')\n        {SUPER.replace(', kwarg_all', '')}", SUPER)
    report = check(broken)
    assert [i.kind for i in report.issues] == [ErrorKind.FORBIDDEN]
    assert SUPER in report.repairs[0].code


def test_large_file_is_not_repaired() -> None:
    broken = given("super().__init__()", SUPER)
    report = check(Unit(name="Root", code=f"{broken.code}#{'x' * 60_000}\n"))
    assert report.repairs == []
    assert ["is called without" in i.message for i in report.issues] == [True]


def test_repaired_file_is_a_unit() -> None:
    (repair,) = check(given("", SET)).repairs
    assert parse_unit(repair.code).name == "Root"
    assert Design(name="x", root="Root", units=[Unit(name="Root", code=repair.code)])
