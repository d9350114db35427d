from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from genesys.gau.model import GAM
from genesys_verifiers.settings import Settings
from genesys_verifiers.training.optimization import Schedule
from genesys_verifiers.training.stepping import Step, Stepper, accumulate

from ..models import batch, gpt2, gradients


def stepper(**settings: object) -> Stepper:
    return Stepper(gpt2(), Schedule(0.01, 10, Settings.model_validate(settings)))


@pytest.mark.parametrize("micro_batch", [1, 4, 6, 100])
def test_a_step_in_pieces_is_the_same_step(micro_batch: int) -> None:
    whole, parts = gpt2(), gpt2()
    losses = accumulate(whole, batch()), accumulate(parts, batch(), micro_batch)
    torch.testing.assert_close(*losses, rtol=0, atol=1e-6)
    torch.testing.assert_close(gradients(parts), gradients(whole), rtol=0, atol=1e-6)


def test_gradients_do_not_pile_up_over_steps() -> None:
    taken = stepper(clip=1e9)
    taken.take(batch())
    norms = [taken.take(batch()).grad_norm for _ in range(2)]
    alone = gpt2()
    alone.load_state_dict(taken.model.state_dict())
    assert norms[1] == pytest.approx(norms[0], rel=0.5)
    assert taken.number == 3


def test_gradients_are_clipped_before_they_are_used() -> None:
    taken = stepper(clip=1e-3)
    step = taken.take(batch())
    assert step.grad_norm > 0.01
    norm = torch.linalg.vector_norm(
        torch.stack([torch.linalg.vector_norm(g) for g in gradients(taken.model).values()])
    )
    assert float(norm) == pytest.approx(1e-3, rel=1e-2)


def test_equal_seeds_give_equal_bits() -> None:
    first, second = stepper(micro_batch=4), stepper(micro_batch=4)
    for _ in range(3):
        assert first.take(batch()) == second.take(batch())
    for ours, theirs in zip(first.model.parameters(), second.model.parameters(), strict=True):
        assert torch.equal(ours, theirs)


class Small(nn.Module):
    """Does what a GPU does that holds a few sequences at a time."""

    def __init__(self, model: GAM, most: int = 2) -> None:
        super().__init__()
        self.most = most
        self.model, self.dropout = model, nn.Dropout(0.1)
        self.head = model.head
        self.tried: list[int] = []

    def hidden(self, input_ids: Tensor) -> Tensor:
        self.tried.append(len(input_ids))
        found = self.dropout(self.model.hidden(input_ids))
        if len(input_ids) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return found


def test_fewer_sequences_are_taken_when_memory_runs_out() -> None:
    def take(micro_batch: object) -> tuple[Step, Stepper]:
        settings = Settings.model_validate({"micro_batch": micro_batch})
        taken = Stepper(Small(gpt2()), Schedule(0.01, 10, settings))  # type: ignore[arg-type]
        torch.manual_seed(3)
        return taken.take(batch(rows=8)), taken

    (found, open_), (fixed, _) = take("auto"), take(2)
    assert found == fixed  # to the bit, with the numbers that dropout draws
    assert open_.micro_batch == 2
    assert open_.model.tried == [8, 4, 2, 2, 2, 2]
    open_.take(batch(rows=8))
    assert open_.model.tried[6:] == [2, 2, 2, 2]
    with pytest.raises(torch.OutOfMemoryError):
        take(4)


def test_one_sequence_that_does_not_fit_is_told() -> None:
    model = Small(gpt2(), most=0)
    taken = Stepper(model, Schedule(0.01, 10, Settings(micro_batch="auto")))  # type: ignore[arg-type]
    with pytest.raises(torch.OutOfMemoryError, match="CUDA out of memory"):
        taken.take(batch(rows=4))
    assert model.tried == [4, 2, 1]
