from __future__ import annotations

import pytest

from genesys_verifiers.settings import Settings
from genesys_verifiers.training.optimization import Schedule, optimizer_of

from ..models import gpt2


def schedule(**settings: object) -> Schedule:
    return Schedule(0.01, 100, Settings.model_validate(settings))


def test_the_rate_rises_then_falls_to_the_floor() -> None:
    factors = [schedule(warmup=0.1, floor=0.2).factor(step) for step in range(101)]
    assert factors[0] == pytest.approx(0.1)
    assert factors[9] == factors[10] == 1.0
    assert factors[55] == pytest.approx(0.6)
    assert factors[100] == pytest.approx(0.2)
    assert factors[10:] == sorted(factors[10:], reverse=True)


def test_matrices_of_blocks_decay_and_nothing_else() -> None:
    model = gpt2()
    optimizer = optimizer_of(model, schedule(weight_decay=0.3))
    decaying = {
        id(p)
        for group in optimizer.param_groups
        if group["weight_decay"] == 0.3
        for p in group["params"]
    }
    assert decaying == {id(p) for p in model.blocks.parameters() if p.ndim > 1}
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(
        list(model.parameters())
    )


def test_the_settings_reach_the_optimiser() -> None:
    optimizer = optimizer_of(gpt2(), schedule(betas=(0.8, 0.9), epsilon=1e-6))
    for group in optimizer.param_groups:
        assert (group["betas"], group["eps"], group["lr"]) == ((0.8, 0.9), 1e-6, 0.01)
