"""How whole blocks put their layers together, against formulas written out (float64).

The layers themselves are proven beside their own units; here they are called as they are.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from .conftest import gap, hosted_module, make_unit

TOLERANCE = 1e-6


def stack(name: str, count: int, dim: int = 32, **args: object) -> nn.ModuleList:
    """Blocks of a model in float64, all parameters moved away from their start."""
    torch.manual_seed(3)
    kind = getattr(hosted_module(name), name)
    blocks = nn.ModuleList(
        kind(embed_dim=dim, block_loc=(i, count), kwarg_all=args, dtype=torch.float64, **args)
        for i in range(count)
    )
    with torch.no_grad():
        for parameter in blocks.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return blocks


def run(blocks: nn.ModuleList, X: Tensor) -> Tensor:
    Z: dict[str, object] = {}
    for block in blocks:
        X, Z = block(X, **Z)
    return X


def of(unit: nn.Module, X: Tensor) -> Tensor:
    return unit(X)[0]


def pre_norm(block: nn.Module, X: Tensor) -> Tensor:
    X = X + of(block.mha, of(block.norm1, X))
    return X + of(block.mlp, of(block.norm2, X))


def parallel(b: nn.Module, X: Tensor) -> Tensor:
    return X + of(b.mha, of(b.norm, X)) + of(b.mlp, of(b.norm, X))


def post_norm(b: nn.Module, X: Tensor) -> Tensor:
    X = of(b.norm1, X + of(b.mha, X))
    return of(b.norm2, X + of(b.mlp, X))


def sandwich(b: nn.Module, X: Tensor) -> Tensor:
    X = X + of(b.behind1, of(b.mha, of(b.before1, X)))
    return X + of(b.behind2, of(b.mlp, of(b.before2, X)))


def macaron(b: nn.Module, X: Tensor) -> Tensor:
    X = X + 0.5 * of(b.mlp1, of(b.norm1, X))
    X = X + of(b.mha, of(b.norm2, X))
    return X + 0.5 * of(b.mlp2, of(b.norm3, X))


def repeated(b: nn.Module, X: Tensor) -> Tensor:
    return pre_norm(b, pre_norm(b, X))


def by_depth(b: nn.Module, X: Tensor) -> Tensor:
    X = X + of(b.mixer, of(b.norm1, X))
    return X + of(b.mlp, of(b.norm2, X))


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("ParallelBlock", parallel),
        ("PostNormBlock", post_norm),
        ("SandwichBlock", sandwich),
        ("MacaronBlock", macaron),
        ("RepeatedBlock", repeated),
        ("GriffinBlock", by_depth),
        ("SambaBlock", by_depth),
        ("JambaBlock", by_depth),
    ],
)
def test_block(name, formula):
    blocks = stack(name, 3)
    X = expected = torch.randn(2, 19, 32, dtype=torch.float64)
    with torch.no_grad():
        for block in blocks:
            expected = formula(block, expected)
        assert gap(run(blocks, X), expected) < TOLERANCE


def test_macaron_halves_its_mlps():
    assert stack("MacaronBlock", 1)[0].mlp1.up.weight.shape == (64, 32)


def kinds(name: str, part: str, count: int) -> list[str]:
    return [type(getattr(block, part)).__name__ for block in stack(name, count, dim=16)]


def test_layers_go_by_depth():
    two, far = ["RGLRU", "RGLRU"], "SlidingWindowAttention"
    assert kinds("GriffinBlock", "mixer", 7) == [*two, far, *two, far, "RGLRU"]
    assert kinds("SambaBlock", "mixer", 5) == ["Mamba", far, "Mamba", far, "Mamba"]
    assert kinds("JambaBlock", "mixer", 9) == [*["Mamba"] * 4, "MHA", *["Mamba"] * 4]
    assert kinds("JambaBlock", "mlp", 4) == ["SwiGluMLP", "MixtureOfExperts"] * 2


def test_state_space_beside_the_first_local_attention():
    first, second = blocks = stack("StateAugmentedBlock", 2)
    X = torch.randn(2, 19, 32, dtype=torch.float64)
    with torch.no_grad():
        h = of(first.norm1, X)
        far, near = of(first.norm_far, of(first.far, h)), of(first.norm_local, of(first.local, h))
        weight = first.join.weight
        Y = X + far @ weight[:, :32].T + near @ weight[:, 32:].T
        Y = Y + of(first.mlp, of(first.norm2, Y))
        Y = Y + of(second.local, of(second.norm1, Y))
        Y = Y + of(second.mlp, of(second.norm2, Y))
        assert gap(run(blocks, X), Y) < TOLERANCE


def test_denseformer_means_over_all_blocks_before():
    blocks = stack("DenseFormerBlock", 4)
    X = torch.randn(2, 9, 32, dtype=torch.float64)
    given, mean = [X], X
    with torch.no_grad():
        for depth, block in enumerate(blocks):
            given.append(pre_norm(block, mean))
            mean = torch.zeros_like(X)
            for j in range(depth + 2):
                mean += block.shares[j] * given[j]
        assert gap(run(blocks, X), mean) < TOLERANCE


def test_denseformer_starts_as_a_pre_norm_model():
    blocks = stack("DenseFormerBlock", 3)
    for block in blocks:
        nn.init.zeros_(block.shares)
        nn.init.ones_(block.shares[-1:])
    X = expected = torch.randn(2, 9, 32, dtype=torch.float64)
    for block in blocks:
        expected = pre_norm(block, expected)
    assert gap(run(blocks, X), expected) < TOLERANCE


def connect(unit: nn.Module, streams: list[Tensor], layer) -> list[Tensor]:
    """One layer between the streams (each (B, L, D)), weight by weight."""
    n = len(streams)
    read, mix, spread = [], [], []
    for i, h in enumerate(streams):
        normed = (h - h.mean(-1, keepdim=True)) / (h.var(-1, False, keepdim=True) + 1e-5).sqrt()
        change = (normed @ unit.dynamic.weight.T).tanh()
        weights = [unit.static[i, j] + unit.scale[0] * change[..., j] for j in range(n + 1)]
        read.append(weights[0])
        mix.append(weights[1:])
        spread.append(unit.static[i, n + 1] + unit.scale[1] * change[..., n + 1])
    out = layer(sum(read[i][..., None] * streams[i] for i in range(n)))
    return [
        sum(mix[i][j][..., None] * streams[i] for i in range(n)) + spread[j][..., None] * out
        for j in range(n)
    ]


@pytest.mark.parametrize("n", [1, 3])
def test_hyper_connections(n):
    blocks = stack("HyperConnectionBlock", 3, residual_streams=n)
    X = torch.randn(2, 9, 32, dtype=torch.float64)
    streams = [X] * n
    with torch.no_grad():
        for b in blocks:
            streams = connect(b.connection1, streams, lambda x, b=b: of(b.mha, of(b.norm1, x)))
            streams = connect(b.connection2, streams, lambda x, b=b: of(b.mlp, of(b.norm2, x)))
        assert gap(run(blocks, X), sum(streams)) < TOLERANCE


def test_each_layer_starts_with_a_stream_of_its_own():
    read = [
        make_unit("HyperConnection", 16, moved=0, first_stream=layer).static[:, 0].argmax().item()
        for layer in range(6)
    ]
    assert read == [0, 1, 2, 3, 0, 1]
