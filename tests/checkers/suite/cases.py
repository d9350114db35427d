"""Reads the cases of the suite: a unit file, or a folder of them, that says what to expect."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from genesys.records import Design, Issue, Unit

HERE = Path(__file__).parent
MARK = "# FAULT"
OPEN = "none"  # what the verdict may leave open
ROOT = '''\
# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn

from genesys.gau import GAUBase, UnitDecl, gau_test


class Root(GAUBase):
    """Adds what its child makes of a map of X."""

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.map = nn.Linear(embed_dim, embed_dim, **self.factory_kwargs)
        self.child = Mixer(embed_dim, block_loc, kwarg_all, **self.factory_kwargs, **kwarg_all)

    def _forward(self, X, **Z):
        Y, Z = self.child(self.map(X), **Z)
        return X + Y, Z


@gau_test
def test_root_keeps_the_shape(device=None, dtype=None) -> None:
    unit = Root(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 5, 32, device=device, dtype=dtype)
    assert unit(X)[0].shape == X.shape


CHILDREN_DECLARATIONS = [UnitDecl(unitname="Mixer")]
'''


@dataclass(frozen=True)
class Case:
    """One case.

    Attributes:
        name: Of its file or folder.
        units: Code by name of the unit, the root first.
        header: The fields in its first comment lines.
    """

    name: str
    units: dict[str, str]
    header: dict[str, str]

    @property
    def design(self) -> Design:
        """The case as a design."""
        units = [Unit(name=name, code=code) for name, code in self.units.items()]
        return Design(name="case", root="Root", units=units)

    @property
    def settings(self) -> dict[str, float]:
        """Changes of the checkers' settings that keep the case short."""
        return {"seconds": float(self.header["seconds"])} if "seconds" in self.header else {}

    @property
    def warnings(self) -> set[str]:
        """Classes of the warnings that a valid case gets."""
        return {self.header["warned"]} if "warned" in self.header else set()

    def answers(self, field: str) -> set[str]:
        """What a verdict may say in a field: one of several, or nothing where that is allowed."""
        return {"" if answer == OPEN else answer for answer in self.header[field].split(", ")}

    def lines(self) -> set[tuple[str, int]]:
        """The unit and the line of each mark; empty when the line is left open."""
        if "line" in self.header:
            given = self.header["line"]
            return set() if given == OPEN else {(self.header["unit"], int(given))}
        return {
            (unit, number)
            for unit, code in self.units.items()
            for number, text in enumerate(code.split("\n"), 1)
            if text.endswith(MARK)
        }

    def mistakes(self, issue: Issue) -> list[str]:
        """In what an issue differs from what this case expects."""
        said = {"check": issue.check, "kind": issue.kind or "", "unit": issue.unit}
        wrong = [
            f"{field}: expected {self.header[field]}, got {value or OPEN}"
            for field, value in said.items()
            if value not in self.answers(field)
        ]
        if self.lines() and (issue.unit, issue.line) not in self.lines():
            wrong.append(f"line: expected {sorted(self.lines())}, got {issue.unit}:{issue.line}")
        return wrong


def cases(kind: str) -> list[Case]:
    """All cases of a folder, by name."""
    found = sorted(p for p in (HERE / kind).iterdir() if p.suffix == ".py" or p.is_dir())
    return [_read(path) for path in found if path.name != "__pycache__"]


def parameters(kind: str) -> list[Any]:
    """All cases of a folder, for ``pytest.mark.parametrize``."""
    return [
        pytest.param(case, id=case.name, marks=[pytest.mark.slow] * ("slow" in case.header))
        for case in cases(kind)
    ]


def _read(path: Path) -> Case:
    if path.is_dir():
        files = sorted(path.glob("*.py"), key=lambda file: (file.stem != "Root", file.stem))
        units = {file.stem: file.read_text("utf-8") for file in files}
        header = units["Root"]
    else:
        header = path.read_text("utf-8")
        units = {"Root": ROOT, "Mixer": header}
    return Case(path.stem, units, dict(re.findall(r"^# (\w+): (.*)$", header, re.MULTILINE)))
