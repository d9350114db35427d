from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from genesys.gau.compose import compose
from genesys.gau.folder import load_tree
from genesys.gau.load import load_block
from genesys.gau.model import GAM
from genesys.resources import resource
from genesys_verifiers.faults import DesignFaultError
from genesys_verifiers.settings import Settings
from genesys_verifiers.training.data import Batches
from genesys_verifiers.training.loops import take_steps
from genesys_verifiers.training.optimization import Schedule
from genesys_verifiers.training.state import read_state, write_state
from genesys_verifiers.training.stepping import Step, Stepper

STEPS, STOP = 8, 4  # a pass over the text has six


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def text(tmp_path: Path) -> Path:
    np.random.default_rng(0).integers(0, 64, 400).astype(np.uint16).tofile(tmp_path / "train.bin")
    return tmp_path / "train.bin"


def stepper(make: Callable[[], nn.Module], **settings: object) -> Stepper:
    torch.manual_seed(0)
    found = Settings.model_validate({"batch_size": 4, "sequence_length": 16, **settings})
    return Stepper(make().train(), Schedule(0.01, STEPS, found))


def train(taken: Stepper, text: Path, end: int = STEPS) -> list[Step]:
    told: list[Step] = []
    take_steps(taken, Batches(text, end, 4, 16, seed=0, start=taken.number), told.append)
    return told


def sow(seed: int) -> None:
    for generator in (torch.manual_seed, random.seed, np.random.seed):
        generator(seed)


def stopped_and_resumed(make: Callable[[], nn.Module], text: Path, **settings: object) -> None:
    whole, first, second = (stepper(make, **settings) for _ in range(3))
    sow(1)
    told = train(whole, text)
    sow(1)
    before = train(first, text, STOP)
    file = io.BytesIO()
    write_state(first, file)
    sow(2)
    file.seek(0)
    read_state(second, file)
    assert before + train(second, text) == told
    ours, theirs = whole.model.state_dict(), second.model.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def seed_model(name: str) -> GAM:
    block = load_block(compose(load_tree(resource("seeds") / name)))
    return GAM(block.GAB, 64, 1, 64, block.gab_config)


@pytest.mark.parametrize("name", ["gpt2", "mamba2", "retnet", "rwkv6", "ttt"])
def test_each_seed_goes_on_to_the_same_bits(name: str, text: Path) -> None:
    stopped_and_resumed(lambda: seed_model(name), text, loop="bare")


@pytest.mark.parametrize("settings", [{}, {"micro_batch": 2}, {"precision": "bf16"}])
def test_so_it_does_with_each_setting(settings: dict[str, object], text: Path) -> None:
    stopped_and_resumed(lambda: seed_model("gpt2"), text, **settings)


class _Odd(nn.Module):
    """A model with two names for one buffer, a buffer that grows, and draws from all generators."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(64, 8)
        self.register_buffer("count", torch.zeros(1))
        self.register_buffer("same", self.count)
        self.register_buffer("seen", torch.zeros(0), persistent=False)

    @property
    def head(self) -> Tensor:
        return self.embedding.weight

    def hidden(self, ids: Tensor) -> Tensor:
        self.count += 1
        self.seen = torch.cat([self.seen, self.same.clone()])
        noise = torch.rand(()) + random.random() + float(np.random.rand())
        return nn.functional.dropout(self.embedding(ids), 0.2) * (
            1 + 0.1 * noise * self.seen.mean()
        )


def test_so_it_does_with_noise_and_odd_buffers(text: Path) -> None:
    stopped_and_resumed(_Odd, text)


def test_a_state_of_another_model_is_refused(text: Path) -> None:
    file = io.BytesIO()
    write_state(stepper(lambda: seed_model("retnet")), file)
    file.seek(0)
    with pytest.raises(DesignFaultError, match="which parameters there are"):
        read_state(stepper(lambda: seed_model("gpt2")), file)
