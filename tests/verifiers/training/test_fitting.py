"""What is foretold is deterministic, grows with the memory, and really fits."""

from __future__ import annotations

import pytest

from genesys.gau.compose import compose
from genesys.gau.folder import load_tree
from genesys.resources import resource
from genesys_verifiers.training.fitting import fitting, held

READS_VALUES = """
import torch
from genesys.gau import GABBase
gab_config = {}
class GAB(GABBase):
    def __init__(self, embed_dim, block_loc, device=None, dtype=None, **kwargs):
        super().__init__(embed_dim, block_loc)
        self.inner = torch.nn.Linear(embed_dim, embed_dim)
    def _forward(self, X, **Z):
        return (self.inner(X) if X.sum().item() < 1e9 else X), Z
"""
KEEPS = READS_VALUES.replace("if X.sum().item() < 1e9 else X", "+ X")


def seed(name: str) -> str:
    return compose(load_tree(resource("seeds") / name))


def test_what_autograd_keeps_is_counted_once() -> None:
    parameters, kept = held(KEEPS, (3, 16), 10)
    assert parameters == 3 * (16 * 16 + 16) + 2 * 16
    assert kept == 3 * 10 * 16 * 4  # the input of each matrix, in float32


@pytest.mark.parametrize("name", ["gpt2", "mamba2", "retnet", "rwkv6", "ttt"])
def test_more_memory_fits_more_sequences(name: str) -> None:
    code = seed(name)
    found = [fitting(code, (2, 32), 512, (48, 64), memory) for memory in (16, 64, 256, 4096)]
    assert found == sorted(found)
    assert (found[0], found[-1]) != (found[-1], found[0])
    assert found[-1] == 48
    assert set(found) <= {48, 24, 12, 6, 3, 1}


def test_a_design_that_reads_values_gets_one_sequence() -> None:
    assert fitting(READS_VALUES, (2, 16), 64, (8, 10), 4096) == 1
    assert fitting(KEEPS, (2, 16), 64, (8, 10), 4096) == 8


def test_a_model_that_does_not_fit_at_all_gets_one_sequence() -> None:
    assert fitting(seed("gpt2"), (2, 32), 512, (48, 64), 1) == 1
