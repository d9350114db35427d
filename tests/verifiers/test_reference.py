"""The GPT reference is measured once per machine; no size or score depends on the time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from genesys.errors import SandboxError
from genesys.records import Scale
from genesys.sandbox import Job, Limits, Sandbox
from genesys_verifiers.corpus import Corpus
from genesys_verifiers.opening import Opener
from genesys_verifiers.reference import GUESTS, Reference, References, code
from genesys_verifiers.settings import FEW_STEPS, Precision, Settings, Task

SETTINGS = Settings(batch_size=2, sequence_length=8, threads=1)


class Counted(Sandbox):
    """Counts its guests."""

    guests = 0

    def open(self, job: Job) -> AbstractContextManager[Any]:
        self.guests += 1
        return super().open(job)


class Measuring:
    """Asks for the reference, and says how many guests that took."""

    def __init__(self, sandbox: Counted, corpus: Corpus, scale: Scale) -> None:
        self._sandbox, self._corpus, self.scale = sandbox, corpus, scale

    def task(self, block: str = "", **changes: Any) -> Task:
        return Task(
            block=block or code(),
            learning_rate=0.1,
            steps=changes.pop("steps", 1),
            seed=changes.pop("seed", 0),
            vocab_size=self._corpus.vocab_size,
            settings=SETTINGS.model_copy(update=changes),
        )

    def opener(self, task: Task) -> Opener:
        return Opener(self._sandbox, task, self._corpus, Limits(seconds=60, threads=1))

    def __call__(self, references: References, **changes: Any) -> tuple[Reference, int]:
        before, task = self._sandbox.guests, self.task(**changes)
        found = references.of(task, self.scale, self.opener(task))
        return found, self._sandbox.guests - before


@pytest.fixture(scope="module")
def counted() -> Iterator[Counted]:
    with Counted() as sandbox:
        yield sandbox


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GENESYS_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture
def measuring(corpus: Corpus, counted: Counted, scale: Scale, folder: Path) -> Measuring:
    return Measuring(counted, corpus, scale)


def kept(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.*"))


def test_it_is_measured_once_on_a_machine(measuring: Measuring, folder: Path) -> None:
    first, guests = measuring(References())
    assert guests == GUESTS
    assert measuring(References()) == (first, 0)
    assert measuring(References(), seed=7) == (first, 0)
    assert len(kept(folder)) == 1


def test_other_settings_are_measured_apart(measuring: Measuring, folder: Path) -> None:
    references = References()
    first, _ = measuring(references)
    other, guests = measuring(references, batch_size=4)
    assert guests == GUESTS
    assert other.parameters == first.parameters
    assert len(kept(folder)) == 2


def test_the_faster_precision_is_taken_where_the_settings_leave_it_open(
    measuring: Measuring, folder: Path
) -> None:
    found, guests = measuring(References(), steps=FEW_STEPS + 1, precision=Precision.AUTO)
    assert found.precision in {Precision.FLOAT32, Precision.BF16}
    assert guests == 2 * GUESTS
    again = measuring(References(), steps=FEW_STEPS + 1, precision=Precision.AUTO)
    assert again == (found, 0)


@pytest.mark.parametrize("precision", Precision)
def test_a_short_training_is_in_what_the_settings_say_or_in_float32(
    measuring: Measuring, precision: Precision
) -> None:
    found, guests = measuring(References(), steps=FEW_STEPS, precision=precision)
    assert found.precision is (Precision.FLOAT32 if precision is Precision.AUTO else precision)
    assert guests == GUESTS


@pytest.mark.parametrize(("compiled", "found"), [(False, False), (True, True), ("auto", False)])
def test_a_training_of_seconds_is_compiled_only_where_the_settings_say_so(
    measuring: Measuring, compiled: bool | str, found: bool
) -> None:
    reference, guests = measuring(References(), compile=compiled)
    assert reference.compiled is found
    assert guests == GUESTS


def test_it_can_be_measured_anew(measuring: Measuring, folder: Path) -> None:
    references, task = References(), measuring.task()
    slow = measuring(references)[0].model_copy(update={"step_seconds": 99.0})
    (file,) = kept(folder)
    file.write_text(slow.model_dump_json())
    assert measuring(References()) == (slow, 0)
    renewed = references.renew(task, measuring.scale, measuring.opener(task))
    assert renewed.step_seconds < 99
    assert measuring(references) == measuring(References()) == (renewed, 0)


@pytest.mark.parametrize("broken", ["", '{"parameters": 3}', '{"parameters":1,"step_seconds":NaN}'])
def test_a_broken_file_is_measured_again(measuring: Measuring, folder: Path, broken: str) -> None:
    measuring(References())
    (file,) = kept(folder)
    file.write_text(broken)
    assert measuring(References())[1] == GUESTS
    assert Reference.model_validate_json(file.read_text())


def test_a_cache_that_cannot_be_written_costs_time_only(
    measuring: Measuring, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "file").touch()
    monkeypatch.setenv("GENESYS_CACHE", str(folder / "file"))
    references = References()
    assert measuring(references)[1] == GUESTS
    assert measuring(references)[1] == 0


def test_a_reference_that_does_not_run_is_the_machines_fault(measuring: Measuring) -> None:
    with pytest.raises(SandboxError, match="The GPT reference does not run"):
        measuring(References(), block="raise RuntimeError")
