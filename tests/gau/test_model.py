"""The contract (X, Z) -> (X, Z), and the language model around a block."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from genesys.gau import GAM, GABBase, GAUBase


class Echo(GAUBase):
    """Returns what its ``_forward`` is told to, and keeps what it was given."""

    def __init__(self, answer):
        super().__init__(8, (0, 1), {})
        self.answer = answer

    def _forward(self, X, q=None):
        self.given = q
        return self.answer(X)


X = torch.randn(2, 5, 8)


def test_new_entries_join_z():
    Y, Z = Echo(lambda X: (X + 1, {"r": 3}))(X, q=1, s=2)
    assert torch.equal(Y, X + 1)
    assert Z == {"q": 1, "s": 2, "r": 3}


def test_a_unit_is_handed_what_it_names():
    unit = Echo(lambda X: X)
    unit(X, q=7, other=1)
    assert unit.given == 7


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (lambda X: X[:, :1], ValueError, r"keep the shape \(2, 5, 8\), got \(2, 1, 8\)"),
        (lambda X: (X, [1]), TypeError, "got list as second value"),
    ],
)
def test_a_broken_contract_is_named(answer, error, message):
    with pytest.raises(error, match=message):
        Echo(answer)(X)


def test_input_of_another_width_is_named():
    with pytest.raises(ValueError, match=r"shape \(B, L, 8\), got \(2, 5, 9\)"):
        Echo(lambda X: X)(torch.randn(2, 5, 9))


class Block(GABBase):
    """Adds a linear map; notes its place."""

    def __init__(self, embed_dim, block_loc, device=None, dtype=None, bias=True):
        super().__init__(embed_dim, block_loc)
        self.map = nn.Linear(embed_dim, embed_dim, bias=bias, device=device, dtype=dtype)

    def _forward(self, X, **Z):
        return X + self.map(X), {"seen": [*Z.get("seen", ()), self.block_loc]}


def test_model_chains_blocks_and_ties_the_head():
    model = GAM(Block, d_model=8, n_block=3, vocab_size=11, block_config={"bias": False})
    ids = torch.randint(11, (2, 5))
    assert [block.block_loc for block in model.blocks] == [(0, 3), (1, 3), (2, 3)]
    assert torch.equal(model(ids), model.hidden(ids) @ model.embedding.weight.T)
    assert model.non_embedding_parameters() == 3 * 64 + 16


def test_model_on_meta_device_and_dtype():
    model = GAM(Block, 16, 1, 7, device="meta", dtype=torch.bfloat16)
    assert {(p.device.type, p.dtype) for p in model.parameters()} == {("meta", torch.bfloat16)}
