"""The GPT seed is measured once per machine, and what is kept of it decides nothing alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from genesys.records import ErrorKind
from genesys.sandbox import Job, Limits, Sandbox
from genesys_checkers.cost import Cost
from genesys_checkers.effectiveness import EffectivenessChecker
from genesys_checkers.reference import GUESTS, Reference

from .conftest import failed, root_over, unit

LIMITS = Limits(threads=1)


class Counted(Sandbox):
    """Counts its guests."""

    guests = 0

    def open(self, job: Job) -> AbstractContextManager[Any]:
        self.guests += 1
        return super().open(job)


@pytest.fixture(scope="module")
def counted() -> Iterator[Counted]:
    with Counted(LIMITS) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GENESYS_CACHE", str(tmp_path))
    return tmp_path


def guests_of(sandbox: Counted, reference: Reference) -> int:
    before = sandbox.guests
    assert reference.cost(sandbox).seconds > 0
    return sandbox.guests - before


def kept(cache: Path) -> list[Path]:
    return sorted(cache.rglob("*.*"))


def test_seed_is_measured_once(counted: Counted, cache: Path) -> None:
    assert guests_of(counted, Reference(32, 1, LIMITS)) == GUESTS
    assert guests_of(counted, Reference(32, 1, LIMITS)) == 0
    assert len(kept(cache)) == 1


def test_other_sizes_are_measured_apart(counted: Counted, cache: Path) -> None:
    small, wide = Reference(32, 1, LIMITS).cost(counted), Reference(64, 1, LIMITS).cost(counted)
    assert wide.parameters > small.parameters and wide.flops > small.flops
    assert len(kept(cache)) == 2


@pytest.mark.parametrize("broken", ["", "{", '{"seconds": 1.0}', '{"seconds": NaN}', "\x00"])
def test_broken_file_is_measured_again(broken: str, counted: Counted, cache: Path) -> None:
    Reference(32, 1, LIMITS).cost(counted)
    (file,) = kept(cache)
    file.write_text(broken)
    assert guests_of(counted, Reference(32, 1, LIMITS)) == GUESTS
    assert Cost.model_validate_json(file.read_text())


def test_cache_that_cannot_be_written_costs_time_only(
    counted: Counted, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cache / "file").touch()
    monkeypatch.setenv("GENESYS_CACHE", str(cache / "file"))
    for _ in range(2):
        assert guests_of(counted, Reference(32, 1, LIMITS)) == GUESTS


def remember(cache: Path, sandbox: Sandbox, **changes: float) -> None:
    """Make the cache tell something else."""
    cost = Reference(64, 2, LIMITS_OF_CHECKER).cost(sandbox).model_copy(update=changes)
    (file,) = kept(cache)
    file.write_text(cost.model_dump_json())


LIMITS_OF_CHECKER = Limits(seconds=60.0, memory_mb=4096, threads=1)


def test_design_that_only_looks_slow_is_compared_again(counted: Counted, cache: Path) -> None:
    remember(cache, counted, seconds=1e-4)  # as of a machine that was much faster that day
    before = counted.guests
    report = EffectivenessChecker().check(root_over(unit("return self.map(X)")), counted)
    assert report.valid, report.issues
    assert counted.guests - before == 4  # in doubt, the seed, again, and to the end


def test_design_that_is_slow_indeed_is_refused(counted: Counted, cache: Path) -> None:
    remember(cache, counted, seconds=1e-4)
    checker = EffectivenessChecker(step_time_ratio=0.01)
    report = checker.check(root_over(unit("return self.map(X)")), counted)
    assert failed(report) == ["effectiveness"]
    issue = report.issues[0]
    assert issue.kind is ErrorKind.COST and "as long as the GPT seed" in issue.message


def test_more_parameters_may_cost_more(counted: Counted, cache: Path) -> None:
    Reference(64, 2, LIMITS_OF_CHECKER).cost(counted)
    wide = "self.up, self.down = nn.Linear(D, 80 * D), nn.Linear(80 * D, D)"
    wide = wide.replace("D", "embed_dim")
    forward = "return self.map(X) + self.down(self.up(X).relu())"
    again = "h = self.map(X)\nfor _ in range(100):\n    h = (h + self.map(h)).tanh()\nreturn h"
    assert EffectivenessChecker().check(root_over(unit(forward, wide)), counted).valid
    assert not EffectivenessChecker().check(root_over(unit(again)), counted).valid
