from __future__ import annotations

import pytest
import torch

from genesys_verifiers.settings import Precision, Settings
from genesys_verifiers.training.loss import loss_of
from genesys_verifiers.training.optimization import Schedule
from genesys_verifiers.training.precision import computing
from genesys_verifiers.training.stepping import Step, Stepper

from ..models import batch, gpt2


def steps(precision: str) -> tuple[list[Step], Stepper]:
    settings = Settings.model_validate({"precision": precision, "micro_batch": 4})
    stepper = Stepper(gpt2(), Schedule(0.01, 4, settings))
    return [stepper.take(batch()) for _ in range(4)], stepper


@pytest.mark.parametrize(
    ("precision", "dtype"),
    [(Precision.FLOAT32, torch.float32), (Precision.BF16, torch.bfloat16)],
)
def test_it_is_what_blocks_compute_in(precision: Precision, dtype: torch.dtype) -> None:
    with computing(precision, torch.device("cpu")):
        assert torch.nn.Linear(4, 4)(torch.zeros(2, 4)).dtype is dtype


def test_the_loss_is_in_float32() -> None:
    exact, rough = (
        loss_of(gpt2(), batch(), precision) for precision in (Precision.FLOAT32, Precision.BF16)
    )
    assert rough.dtype is torch.float32
    assert exact != rough
    torch.testing.assert_close(rough, exact, rtol=0.01, atol=0)


def test_a_step_in_bf16_learns_as_one_in_float32() -> None:
    (exact, _), (rough, stepper) = steps("float32"), steps("bf16")
    assert [s.loss for s in rough] == pytest.approx([s.loss for s in exact], rel=0.02)
    assert [s.loss for s in rough] != [s.loss for s in exact]
    assert {p.dtype for p in stepper.model.parameters()} == {torch.float32}


def test_equal_seeds_give_equal_bits_in_bf16() -> None:
    assert steps("bf16")[0] == steps("bf16")[0]
