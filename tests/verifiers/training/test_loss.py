"""The loss is the plain head's, in a fraction of its memory."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from torch.profiler import ProfilerActivity, profile

from genesys.gau.model import GAM
from genesys_verifiers.training.loss import head_loss, loss_of

from ..models import batch, gpt2, gradients


def plain(model: GAM, tokens: Tensor) -> Tensor:
    return functional.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())


@pytest.mark.parametrize("vocab_size", [50, 8000, 32_000])
def test_it_equals_the_plain_head(vocab_size: int) -> None:
    model, tokens = gpt2(vocab_size), batch(vocab_size, rows=3, length=100)
    expected = plain(model, tokens)
    expected.backward()
    wanted = gradients(model)
    model.zero_grad()
    loss = loss_of(model, tokens)
    loss.backward()
    torch.testing.assert_close(loss, expected, rtol=0, atol=1e-5)
    torch.testing.assert_close(gradients(model), wanted, rtol=0, atol=1e-5)


def test_hidden_states_in_bfloat16_lose_nothing_more() -> None:
    hidden = torch.randn(2, 300, 16).bfloat16()
    head, targets = torch.randn(8000, 16), torch.randint(8000, (2, 300))
    expected = functional.cross_entropy((hidden.float() @ head.T).flatten(0, 1), targets.flatten())
    torch.testing.assert_close(head_loss(hidden, head, targets), expected, rtol=0, atol=1e-4)


def test_no_gradient_is_made_where_none_is_asked_for() -> None:
    model, tokens = gpt2(), batch()
    with torch.no_grad():
        torch.testing.assert_close(loss_of(model, tokens), plain(model, tokens))


def peak(run: Callable[[], object]) -> int:
    """Most bytes that tensors take at a time."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as found:
        run()
    assert found.profiler is not None
    events = [e for e in found.profiler.kineto_results.events() if e.name() == "[memory]"]
    taken = most = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        taken += event.nbytes()
        most = max(most, taken)
    return most


def test_its_memory_is_a_fraction_of_the_plain_heads() -> None:
    hidden = torch.randn(8, 512, 16, requires_grad=True)
    head = torch.randn(4000, 16, requires_grad=True)
    targets = torch.randint(4000, (8, 512))

    def plain_head() -> None:
        functional.cross_entropy((hidden @ head.T).flatten(0, 1), targets.flatten()).backward()

    assert peak(lambda: head_loss(hidden, head, targets).backward()) < 0.1 * peak(plain_head)
