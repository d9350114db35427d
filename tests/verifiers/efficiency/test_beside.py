"""The rows of a report: whatever happens, they are there, and the reference is measured once."""

from __future__ import annotations

from pathlib import Path

import pytest

from genesys.errors import SandboxError
from genesys.gau.compose import compose
from genesys.gau.tree import GAUTree
from genesys.records import Efficiency, Scale
from genesys.sandbox import Job, Limits, Sandbox
from genesys_verifiers.efficiency.beside import beside_reference
from genesys_verifiers.efficiency.meter import Meter
from genesys_verifiers.reference import code
from genesys_verifiers.settings import Settings, Task

from ..designs import faulty

LIMITS = Limits(seconds=60, memory_mb=1024, threads=1)


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENESYS_CACHE", str(tmp_path))


def task_of(block: str) -> Task:
    return Task(
        block=block,
        learning_rate=0.01,
        steps=1,
        seed=0,
        vocab_size=64,
        settings=Settings(threads=1, batch_size=1),
    )


def rows(sandbox: Sandbox, scale: Scale, always: str = "pass") -> list[Efficiency]:
    task = task_of(compose(GAUTree.of(faulty(always=always))))
    meter = Meter(sandbox, LIMITS, scale)
    return beside_reference(meter, task_of(code()), ("faulty", task), (1, 32), [64, 16])


def test_the_reference_is_measured_once_on_a_machine(sandbox: Sandbox, scale: Scale) -> None:
    first = rows(sandbox, scale)
    assert [(one.design, one.length, one.rows) for one in first] == [
        ("gpt2", 16, 4),
        ("faulty", 16, 4),
        ("gpt2", 64, 1),
        ("faulty", 64, 1),
    ]
    assert all(one.train_tokens_per_second > 0 and not one.error for one in first)
    again = rows(sandbox, scale)
    assert again[::2] == first[::2]
    assert again[1] != first[1]


def test_a_design_that_cannot_be_measured_says_why(sandbox: Sandbox, scale: Scale) -> None:
    found = rows(sandbox, scale, always="assert X.shape[1] < 64, 'too long for me'")
    assert [bool(one.error) for one in found] == [False, False, False, True]
    assert "too long for me" in found[3].error


class _Broken(Sandbox):
    """A sandbox that cannot start guests."""

    def open(self, job: Job) -> object:  # type: ignore[override]
        raise SandboxError("no Landlock here")


def test_a_machine_that_cannot_measure_says_why_and_keeps_nothing(
    sandbox: Sandbox, scale: Scale
) -> None:
    with _Broken() as broken:
        found = rows(broken, scale)
    assert len(found) == 4
    assert all("no Landlock here" in one.error for one in found)
    assert not rows(sandbox, scale)[0].error
