"""Legal code that is easily taken for faulty: it passes without a remark and unchanged."""

from __future__ import annotations

import pytest

from genesys.records import Design, Unit
from genesys_checkers.format import FormatChecker

from .conftest import design, unit

CHILD = unit("return self.map(X)", name="Child")
ROOT = unit(
    "return self.child(X, **Z)",
    "self.child = Child(**common, **kwarg_all)",
    "Root",
    children=("Child",),
)
SIGNATURE = "(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs)"

# Text of the root to replace, and what with.
CHANGES = {
    "self by position": (SIGNATURE, SIGNATURE.replace("self,", "self, /,")),
    "all by name": (SIGNATURE, SIGNATURE.replace("self,", "self, *,")),
    "device by name": (SIGNATURE, SIGNATURE.replace("device=", "*, device=")),
    "star arguments": (SIGNATURE, SIGNATURE.replace("device=", "*args, device=")),
    "arguments of its own": (SIGNATURE, SIGNATURE.replace("device=", "width=3, device=")),
    "options": (SIGNATURE, SIGNATURE.replace("**kwargs", "**options")),
    "annotations": (
        SIGNATURE,
        "(self, embed_dim: int, block_loc: tuple[int, int], kwarg_all: dict, "
        "device: torch.device | None = None, dtype: torch.dtype | None = None, **kwargs) -> None",
    ),
    "X by position": ("_forward(self, X, **Z)", "_forward(self, X, /, **Z)"),
    "Z by name": ("_forward(self, X, **Z)", "_forward(self, X, *, q=None, **Z)"),
    "no Z": ("(self, X, **Z)", "(self, X, child=None, Z={})"),
    "base by name": (
        "super().__init__(embed_dim, block_loc, kwarg_all)",
        "super().__init__(kwarg_all=kwarg_all, block_loc=block_loc, embed_dim=embed_dim)",
    ),
    "base with its class": ("super().__init__(", "super(Root, self).__init__("),
    "base by its class": ("super().__init__(", "GAUBase.__init__(self, "),
    "base unpacked": (
        "super().__init__(embed_dim, block_loc, kwarg_all)",
        "super().__init__(*(embed_dim, block_loc, kwarg_all))",
    ),
    "factory by dict": (
        '{"device": device, "dtype": dtype}',
        "dict(device=device, dtype=dtype)",
    ),
    "factory by a function": ('{"device": device, "dtype": dtype}', "make(device, dtype)"),
    "factory after the base": (
        'self.factory_kwargs = {"device": device, "dtype": dtype}\n'
        "        super().__init__(embed_dim, block_loc, kwarg_all)\n",
        "super().__init__(embed_dim, block_loc, kwarg_all)\n"
        '        self.factory_kwargs = {"device": device, "dtype": dtype}\n',
    ),
    "factory with a type": (
        "self.factory_kwargs = {",
        "self.factory_kwargs: dict[str, object] = {",
    ),
    "factory used in a function before": (
        "        self.factory_kwargs = {",
        "        make = lambda: nn.Linear(2, 2, **self.factory_kwargs)\n"
        "        self.factory_kwargs = {",
    ),
    "test by name": ("(device=None, dtype=None) ->", "(*, device=None, dtype=None) ->"),
    "test with options": ("(device=None, dtype=None) ->", "(**options) ->"),
    "test without defaults": ("(device=None, dtype=None) ->", "(device, dtype) ->"),
    "plain function beside the test": (
        "CHILDREN_D",
        "def helper():\n    pass\n\n\nCHILDREN_D",
    ),
    "declaration by position": ("UnitDecl(unitname='Child')", "UnitDecl('Child', 'Maps X.')"),
    "docstring of many lines": ('"""A unit of a test."""', '"""A unit.\n\n    Of a test.\n    """'),
}
# More lines of the root's __init__.
LINES = {
    "list of children": "self.more = nn.ModuleList(Child(**common) for _ in range(2))",
    "children in a dict": "self.more = nn.ModuleDict({'a': Child(**common)})",
    "child by condition": "self.more = Child(**common) if embed_dim > 8 else nn.Identity()",
    "child by another name": "Part = Child\nself.more = Part(**common)",
    "child by partial": "from functools import partial\nself.more = partial(Child, **common)()",
    "child in an inner function": "def make():\n    return Child(**common)\nself.more = make()",
    "child by position": "self.more = Child(embed_dim, block_loc, kwarg_all, device, dtype)",
    "child of another width": "self.more = Child(2 * embed_dim, block_loc, kwarg_all, "
    "**self.factory_kwargs)",
    "child by unpacking": "args = (embed_dim, block_loc, kwarg_all)\n"
    "self.more = Child(*args, **self.factory_kwargs)",
    "child by a dict": "args = {**common, **self.factory_kwargs}\nself.more = Child(**args)",
    "child by two dicts": "self.more = Child(**{**common, 'embed_dim': 2})",
    "child that is cast": "self.more = Child(embed_dim, block_loc, kwarg_all).to(device, dtype)",
    "part of a child": "self.more = nn.Sequential(Child(**common).map, nn.Tanh())",
    "layers in a sequential": "self.more = nn.Sequential(nn.Linear(2, 2, **self.factory_kwargs))",
    "layer by position": "self.more = nn.Linear(2, 2, True, device, dtype)",
    "layer of its own type": "self.more = nn.Linear(2, 2, dtype=torch.float32)",
    "layer that is cast": "self.more = nn.Linear(2, 2).to(**self.factory_kwargs)",
    "layers that are cast": "self.more = nn.ModuleList([nn.Linear(2, 2)]).to(device, dtype)",
    "layer by options": "f = {'device': device, 'dtype': dtype}\nself.more = nn.Linear(2, 2, **f)",
    "layer by unpacking": "self.more = nn.Linear(*(2, 2, True, device, dtype))",
    "layer without parameters": "self.more = nn.Dropout(0.1)",
    "layer of the base's name": "class Linear:\n    pass\nself.more = Linear()",
    "parameter of its own type": "self.w = nn.Parameter(torch.zeros(3, dtype=torch.float32))",
    "parameter that is cast": "self.w = nn.Parameter(torch.zeros(3).to(**self.factory_kwargs))",
    "parameter that is compared": "self.w = nn.Parameter((torch.rand(3) > 0.5) * 1.0)",
    "parameter of complex numbers": "r = torch.view_as_complex\n"
    "self.w = nn.Parameter(r(torch.rand(3, 2)))",
    "parameter of an orthogonal matrix": "qr = torch.linalg.qr\n"
    "self.w = nn.Parameter(qr(torch.rand(3, 3))[0])",
    "parameter that is not learned": "self.w = nn.Parameter(torch.zeros(3), requires_grad=False)",
    "parameter of integers": "self.w = nn.Parameter(torch.tensor([1, 2]), False)",
    "buffer": "self.register_buffer('mask', torch.ones(3, 3).tril().bool())",
    "buffer of floats": "self.register_buffer('angle', torch.arange(3) / 3)",
    "local tensor": "w = torch.ones(3)\nself.scale = float(w.sum())",
    "more of the options": "self.depth = kwargs.get('depth', 2)",
}
# Definitions beside the unit.
BESIDE = {
    "dataclass": "@dataclass\nclass State:\n    x: float = 0.0\n\n    def forward(self): ...",
    "named tuple": "class Pair(NamedTuple):\n    a: int\n    b: int",
    "enum": "class Mode(enum.Enum):\n    ONE = 1",
    "derivative": "class Round(torch.autograd.Function):\n    @staticmethod\n"
    "    def forward(ctx, x):\n        return x.round()",
    "parameter": "class Weight(nn.Parameter):\n    pass",
    "error": "class Narrow(ValueError):\n    pass",
    "helper": "def helper(x, *, scale=1.0, **options):\n    return x * scale",
    "helper with units": "def helper(common):\n    return [Child(**common) for _ in range(2)]",
    "lambda": "square = lambda x: x * x",
    "constant": "EPS: float = 1e-6",
    "types": "def helper(unit: 'Child', other: GAUBase) -> Child:\n    return unit",
    "type of an object": "kind = type(3)",
}
IMPORTS = "import enum\nfrom dataclasses import dataclass\nfrom typing import NamedTuple\n"


def assert_passes(root: Unit) -> None:
    report = FormatChecker().check(design(root, CHILD))
    assert (report.issues, report.repairs) == ([], [])
    assert report.valid


def changed(old: str, new: str) -> Unit:
    assert old in ROOT.code
    return Unit(name="Root", code=ROOT.code.replace(old, new, 1))


@pytest.mark.parametrize("name", CHANGES)
def test_way_of_writing_passes(name: str) -> None:
    assert_passes(changed(*CHANGES[name]))


@pytest.mark.parametrize("name", LINES)
def test_way_of_making_passes(name: str) -> None:
    lines = "\n".join(f"        {line}" for line in LINES[name].split("\n"))
    assert_passes(changed("        self.child =", f"{lines}\n        self.child ="))


@pytest.mark.parametrize("name", BESIDE)
def test_definition_passes(name: str) -> None:
    root = changed("class Root", f"{IMPORTS}\n\n{BESIDE[name]}\n\n\nclass Root")
    assert_passes(root)


# What a unit does with ``self.part``, a layer or parameter without a type.
CHOSEN = {
    "layer in float32": ("nn.Linear(4, 4)", "self.part(X.float()).to(X.dtype)"),
    "layer in its own type": ("nn.Linear(4, 4)", "self.part(X.to(self.part.weight.dtype))"),
    "layer by its weight": ("nn.Linear(4, 4)", "functional.linear(X.float(), self.part.weight)"),
    "layers of a list": ("nn.ModuleList([nn.Linear(4, 4)])", "self.part[0](X.to(torch.float32))"),
    "parameter in float32": ("nn.Parameter(torch.ones(4))", "X.float() @ self.part"),
    "value by a name": ("nn.Linear(4, 4)", "self.part(wide)"),
}


@pytest.mark.parametrize("name", CHOSEN)
def test_type_that_the_unit_chose_is_kept(name: str) -> None:
    made, used = CHOSEN[name]
    root = changed("        self.child =", f"        self.part = {made}\n        self.child =")
    use = f"        wide = X.double()\n        {used}\n        return self.child"
    assert_passes(Unit(name="Root", code=root.code.replace("        return self.child", use)))


def test_name_of_another_unit_may_mean_something_else() -> None:
    """``Other`` is a unit of the design, and here a helper."""
    child = unit(
        "return self.other(X, **Z)", "self.other = Other(**common)", "Child", children=("Other",)
    )
    code = ROOT.code.replace("class Root", "def Other(x):\n    return x\n\n\nclass Root")
    root = Unit(name="Root", code=code.replace("(X, **Z)\n", "(Other(X), **Z)\n"))
    three = Design(
        name="x", root="Root", units=[root, child, unit("return self.map(X)", name="Other")]
    )
    issues = FormatChecker().check(three).issues
    assert [i.message for i in issues if "Other is used" in i.message] == []
