"""What a design takes is measured from outside, in real guests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from genesys.errors import GenesysError, SandboxError
from genesys.gau.compose import compose
from genesys.gau.tree import GAUTree
from genesys.records import Design, Efficiency, Scale
from genesys.sandbox import Job, Limits, Sandbox
from genesys_verifiers.efficiency.meter import Meter
from genesys_verifiers.reference import code
from genesys_verifiers.settings import Settings, Task

from ..designs import faulty

PARAMETERS = 12_400  # about what a block of GPT has at the width of the tests
Compare = Callable[[Design], list[Efficiency]]


def task_of(block: str) -> Task:
    return Task(
        block=block,
        learning_rate=0.01,
        steps=1,
        seed=0,
        vocab_size=64,
        settings=Settings(threads=1, batch_size=1),
    )


@pytest.fixture
def compare(sandbox: Sandbox, scale: Scale) -> Compare:
    def compared(design: Design) -> list[Efficiency]:
        meter = Meter(sandbox, Limits(seconds=60, memory_mb=1024, threads=1), scale)
        beside = design.name, task_of(compose(GAUTree.of(design)))
        return list(meter.compare(task_of(code()), beside, PARAMETERS, lengths=(32, 256)))

    return compared


def test_both_are_measured_by_turns(compare: Compare, gpt2: Design) -> None:
    found = compare(gpt2.model_copy(update={"name": "twin"}))
    assert [(one.design, one.length, one.rows) for one in found] == [
        ("gpt2", 32, 8),
        ("twin", 32, 8),
        ("gpt2", 256, 1),
        ("twin", 256, 1),
    ]
    for one in found:
        assert not one.error
        assert one.prefill_tokens_per_second > one.train_tokens_per_second > 0
        assert one.train_memory_mb >= one.prefill_memory_mb > 0


def test_memory_grows_with_what_is_held(compare: Compare) -> None:
    _, small, _, _ = compare(faulty("pass"))
    _, large, _, _ = compare(faulty("self.kept = torch.ones(2**24)"))
    assert large.train_memory_mb > small.train_memory_mb + 32


def test_a_fault_of_the_design_is_told_beside_the_reference(compare: Compare) -> None:
    found = compare(faulty("assert X.shape[1] < 256, 'too long for me'"))
    assert [bool(one.error) for one in found] == [False, False, False, True]
    assert "too long for me" in found[3].error
    with pytest.raises(GenesysError, match=r"faulty cannot be measured: .*not for me"):
        compare(faulty(always="raise ValueError('not for me')"))


class _Broken(Sandbox):
    """A sandbox that cannot start guests."""

    def open(self, job: Job) -> object:  # type: ignore[override]
        raise SandboxError("no Landlock here")


def test_a_fault_of_the_machine_is_none_of_the_design(scale: Scale) -> None:
    with _Broken() as sandbox:
        meter = Meter(sandbox, Limits(), scale)
        with pytest.raises(SandboxError, match="no Landlock"):
            meter.measure("gpt2", task_of(code()), (1, 32), 1, 32)


ATTENTION = (
    "Y = Y + torch.softmax((X @ X.mT).tril() - 99 * torch.ones_like(X @ X.mT).triu(1), -1) @ X"
)
RECURRENCE = "Y = Y + X.cumsum(1) / torch.arange(1, X.shape[1] + 1).unsqueeze(-1)"


def test_a_token_of_attention_takes_more_memory_than_one_of_a_recurrence(
    sandbox: Sandbox, scale: Scale
) -> None:
    meter = Meter(sandbox, Limits(seconds=60, memory_mb=2048, threads=1), scale)

    def bytes_per_token(always: str, length: int) -> float:
        task = task_of(compose(GAUTree.of(faulty(always=always))))
        found = meter.measure("one", task, (1, 32), 1, length)
        assert not found.error
        return found.prefill_bytes_per_token

    recurrence = bytes_per_token(RECURRENCE, 512)
    attention = bytes_per_token(ATTENTION, 512)
    # Of one matrix of scores, a token of the second half adds 512 + 256 numbers.
    assert attention > 768 * 4 > recurrence > 32 * 4
    assert attention > 1.5 * bytes_per_token(ATTENTION, 256)
    assert recurrence == pytest.approx(bytes_per_token(RECURRENCE, 256), rel=0.05)
