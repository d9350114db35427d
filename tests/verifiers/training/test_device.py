from __future__ import annotations

import pytest
import torch

from genesys_verifiers.settings import Settings
from genesys_verifiers.training.device import CPU, Trial, device_of, moved, on

from ..models import batch, gpt2


def test_the_cpu_is_the_default_and_left_as_it_is() -> None:
    assert device_of(Settings()) == CPU
    tokens = batch()
    assert moved(tokens, CPU) is tokens
    with on(CPU):
        assert torch.ones(1).device == CPU


def test_a_model_and_what_it_makes_are_on_its_device() -> None:
    with on(torch.device("meta")):
        model = gpt2()
        assert model.hidden(torch.zeros(2, 8, dtype=torch.int64)).is_meta
    assert {value.device.type for value in model.parameters()} == {"meta"}
    assert torch.ones(1).device == CPU


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_trial_fails_where_there_is_no_gpu() -> None:
    with pytest.raises((AssertionError, RuntimeError), match=r"CUDA|NVIDIA"):
        Trial({}, lambda _: None, "").compute()
