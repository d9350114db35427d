"""A GPU is used where guests can use it; this machine's guests are given a device that is none."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from genesys.errors import GenesysError, SandboxError
from genesys.sandbox import Job, Limits, Sandbox
from genesys.sandbox.devices import Device
from genesys_verifiers.acceleration import Acceleration
from genesys_verifiers.faults import DesignFaultError
from genesys_verifiers.opening import ENTRY
from genesys_verifiers.remote import RemoteModel
from genesys_verifiers.settings import Accelerator, Settings, Task


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(devices=[Device(name="none", nodes=["/dev/full"])]) as workers:
        yield workers


def test_the_cpu_needs_no_trial() -> None:
    with Sandbox(devices=[]) as empty:
        assert Acceleration(Accelerator.CPU).settle(empty) is Accelerator.CPU
        assert Acceleration(Accelerator.AUTO).settle(empty) is Accelerator.CPU
        with pytest.raises(GenesysError, match="no GPU for guests"):
            Acceleration(Accelerator.CUDA).settle(empty)


def test_a_device_that_torch_cannot_use_is_told(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert Acceleration(Accelerator.AUTO).settle(sandbox) is Accelerator.CPU
    assert "compute on CPUs" in caplog.text
    with pytest.raises(GenesysError, match=r"verifier\.accelerator=cpu"):
        Acceleration(Accelerator.CUDA).settle(sandbox)


OUT_OF_MEMORY = "import torch\nraise torch.OutOfMemoryError('CUDA out of memory')"


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        (Settings(accelerator=Accelerator.CUDA, micro_batch=8), SandboxError),
        (Settings(accelerator=Accelerator.CUDA), SandboxError),
        (Settings(accelerator=Accelerator.CUDA, micro_batch=1), DesignFaultError),
        (Settings(accelerator=Accelerator.CUDA, micro_batch="auto"), DesignFaultError),
        (Settings(micro_batch=8), DesignFaultError),
    ],
)
def test_whose_fault_it_is_when_a_gpu_is_full(
    settings: Settings, fault: type[Exception], sandbox: Sandbox
) -> None:
    task = Task(
        block=OUT_OF_MEMORY, learning_rate=1, steps=1, seed=0, vocab_size=2, settings=Settings()
    )
    job = Job(entry=ENTRY, payload=task.model_dump(mode="json"), limits=Limits())
    with sandbox.open(job) as guest:
        model = RemoteModel(guest, 2, 1024, settings)
        with pytest.raises(fault, match="CUDA out of memory"):
            model.load()
