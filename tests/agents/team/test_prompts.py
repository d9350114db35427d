"""Prompts can be filled in, and what they show is true."""

from __future__ import annotations

import pytest

from genesys.gau.tree import GAUTree
from genesys.gau.unit import parse_unit
from genesys.sandbox import Sandbox
from genesys_agents.team.answers import blocks
from genesys_agents.team.draft import STUB, Draft
from genesys_agents.team.prompts import FOLDER, render
from genesys_checkers.execution import ExecutionChecker
from genesys_checkers.format import FormatChecker


def test_roles_have_their_folders() -> None:
    roles = {path.name for path in FOLDER.iterdir() if path.is_dir()}
    assert roles == {"proposer", "reviewer", "planner", "coder", "observer", "parts"}
    assert all((FOLDER / role / "system.md.jinja").is_file() for role in roles - {"parts"})


@pytest.mark.slow
def test_the_example_of_a_unit_is_valid() -> None:
    (block,) = [b for b in blocks(render("parts/template")) if b.language == "python"]
    unit = parse_unit(block.text)
    child = unit.children[0].unitname
    root = f"{STUB.format(name='Root')}"
    assert parse_unit(root).name == "Root"
    draft = Draft(None).put("", [unit])
    assert isinstance(draft, Draft)
    assert draft.open_units == [child]
    design = draft.design("example")
    assert FormatChecker().check(design).issues == []
    with Sandbox() as sandbox:
        report = ExecutionChecker(lengths=[1, 9, 64], widths=[64]).check(design, sandbox)
    assert report.valid, report.summary
    assert GAUTree.of(design).root == "DecayedAverage"
