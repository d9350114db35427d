"""What ``checker=symbolic`` stands for: four plugins, cheap to dear, up to the first error."""

from __future__ import annotations

from pathlib import Path

import pytest

from genesys.cli.config import compose
from genesys.gau.folder import load_tree
from genesys.records import Design, Unit
from genesys.registry import load
from genesys.resources import resource
from genesys.sandbox import Sandbox

from .conftest import Check, design, errors, root_over, unit

ROWS = [
    "parser",
    "formatter",
    "initialization",
    "forward",
    "unit_tests",
    "backward",
    "differentiability",
    "causality",
    "effectiveness",
]


@pytest.mark.parametrize("seed", ["gpt2", "mamba2", "retnet", "rwkv6", "ttt"])
def test_seed_is_valid(seed: str, check: Check) -> None:
    report = check(load_tree(resource("seeds") / seed).as_design(name=seed))
    assert report.valid, report.issues
    assert [result.check for result in report.results] == ROWS
    assert report.repairs == []


def test_first_error_ends_the_checks(check: Check) -> None:
    report = check(root_over(unit("return self.map(X) + X.mean(1, keepdim=True)")))
    assert [result.check for result in report.results] == ROWS[: ROWS.index("causality") + 1]
    assert errors(report) == [("causality", "Mixer")]


def test_what_cannot_be_read_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    broken = Design(name="x", root="Mixer", units=[Unit(name="Mixer", code="def (")])
    with Sandbox(scratch_root=tmp_path / "file") as no_sandbox:
        report = load(compose([]), kinds=("checker",)).check(broken, no_sandbox)
    assert report.checked
    assert errors(report) == [("parser", "Mixer")]


def test_machine_without_a_sandbox_is_no_fault_of_the_design(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with Sandbox(scratch_root=tmp_path / "file") as no_sandbox:
        checkers = load(compose([]), kinds=("checker",))
        report = checkers.check(design(unit("return self.map(X)")), no_sandbox)
    assert not report.checked
    assert not report.valid
    assert "Cannot start" in report.issues[-1].message


def test_settings_of_one_check_can_be_overridden() -> None:
    config = compose(["checker.execution.blocks=3", "checker.causality.widths=[48]"])
    assert list(config["checker"]) == ["format", "execution", "causality", "effectiveness"]
    assert config["checker"]["execution"]["blocks"] == 3
    assert config["checker"]["causality"]["widths"] == [48]
