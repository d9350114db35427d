"""Small designs, and one sandbox for all tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from genesys.cli.config import compose
from genesys.records import CheckReport, Design, Severity, Unit
from genesys.registry import load
from genesys.sandbox import Limits, Sandbox

TEMPLATE = '''\
# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


class {name}(GAUBase):
    """A unit of a test."""

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {{"device": device, "dtype": dtype}}
        super().__init__(embed_dim, block_loc, kwarg_all)
        common = {{"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}}
        common.update(self.factory_kwargs)
        self.map = nn.Linear(embed_dim, embed_dim, **self.factory_kwargs)
{init}

    def _forward(self, X, **Z):
        B, L, D = X.shape
{forward}


@gau_test
def test_{lower}_runs(device=None, dtype=None) -> None:
    {test}


CHILDREN_DECLARATIONS = [{children}]
'''


def unit(
    forward: str,
    init: str = "",
    name: str = "Mixer",
    test: str = "assert True",
    children: tuple[str, ...] = (),
) -> Unit:
    """A unit with the given lines of ``_forward`` and more lines of ``__init__``."""

    def indent(lines: str) -> str:
        return "\n".join(f"        {line}" for line in lines.strip("\n").split("\n"))

    code = TEMPLATE.format(
        name=name,
        lower=name.lower(),
        init=indent(init) if init else "",
        forward=indent(forward),
        test=test,
        children=", ".join(f"UnitDecl(unitname={child!r})" for child in children),
    )
    return Unit(name=name, code=code)


def design(*units: Unit) -> Design:
    """A design of these units, the root first."""
    return Design(name="test", root=units[0].name, units=list(units))


def root_over(child: Unit) -> Design:
    """A causal root unit with a residual around the one child."""
    return design(
        unit(
            "Y, Z = self.child(self.map(X), **Z)\nreturn X + Y, Z",
            f"self.child = {child.name}(**common, **kwarg_all)",
            name="Root",
            children=(child.name,),
        ),
        child,
    )


def failed(report: CheckReport) -> list[str]:
    """Names of the checks that failed."""
    return [result.check for result in report.results if not result.passed]


def line_of(unit: Unit, text: str) -> int:
    """One-based number of the first line of a unit that holds the text."""
    return next(n for n, line in enumerate(unit.code.split("\n"), 1) if text in line)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(Limits(threads=1)) as sandbox:
        yield sandbox


Check = Callable[[Design], CheckReport]


@pytest.fixture(scope="module")
def check(sandbox: Sandbox) -> Check:
    """Checks a design as it is shipped: ``checker=symbolic``."""
    checkers = load(compose([]), kinds=("checker",))
    return lambda design: checkers.check(design, sandbox)


def errors(report: CheckReport) -> list[tuple[str, str]]:
    """Check and unit of each error."""
    return [(i.check, i.unit) for i in report.issues if i.severity is Severity.ERROR]
