"""What every seed block must do, whatever is inside it."""

from __future__ import annotations

import pytest
import torch
import yaml

from genesys.gau.folder import load_tree
from genesys.gau.testing import is_gau_test
from genesys.resources import resource

from .conftest import DESIGNS, make_blocks, run_blocks, seed_module

PAPER_TREES = {
    "geogate": {
        "GeogateGPT": {"GeometricGatedMHA", "GatedMLP", "RMSNorm"},
        "GeometricGatedMHA": {"RotaryPositionalEmbeddings"},
    },
    "gpt2": {"GPT2": {"MHA", "GatedMLP", "RMSNorm"}, "MHA": {"RotaryPositionalEmbeddings"}},
    "hippovq": {
        "HiPPOVQ": {
            "EDSSModule",
            "VectorQuantization",
            "HPMemory",
            "ASIntegrator",
            "GatedMLP",
            "RMSNorm",
        },
        "EDSSModule": {"EventDetector", "ScaleSelector", "HiPPOProjector"},
    },
    "hmamba": {
        "HierarchicalMamba": {"HierarchicalMambaLayer", "RMSNorm"},
        "HierarchicalMambaLayer": {"SSDMinimalDiscrete", "RMSNorm"},
    },
    "mamba2": {
        "Mamba2": {"Mamba2Layer", "RMSNorm"},
        "Mamba2Layer": {"SSDMinimalDiscrete", "RMSNorm"},
    },
    "retnet": {
        "RetNet": {"MultiScaleRetention", "RetNetMLP", "RMSNorm"},
        "MultiScaleRetention": {"RotaryPositionalEmbeddings"},
    },
    "rwkv6": {
        "RWKV6": {"RWKV6Attention", "RWKV6FeedForward", "RMSNorm"},
        "RWKV6Attention": {"DDLerpLinear"},
        "DDLerpLinear": {"LoRA"},
        "RWKV6FeedForward": {"LerpLinear"},
    },
    "rwkv7": {
        "RWKV7": {"RWKV7TimeMix", "RWKV7ChannelMix", "RMSNorm"},
        "RWKV7TimeMix": {"LowRankMap", "RWKV7Memory"},
    },
    "srn": {
        "StreamRetNet": {"MultiScaleRetention", "StreamRetNetMLP", "RMSNorm"},
        "MultiScaleRetention": {"RotaryPositionalEmbeddings"},
        "StreamRetNetMLP": {"TileManager", "AdaptiveKVCache"},
    },
    "ttt": {
        "TTT": {"TTTLinear", "SwiGluMLP", "Conv", "RMSNorm"},
        "TTTLinear": {"RotaryPositionalEmbeddings", "RMSNorm"},
        "Conv": {"RMSNorm"},
    },
    "vqh": {
        "VQHGAU": {
            "SelectiveGatingUnit",
            "VectorQuantization",
            "HierarchicalMemoryIntegrator",
            "GatedMLP",
            "RMSNorm",
        },
        "SelectiveGatingUnit": {"GatedScan"},
        "HierarchicalMemoryIntegrator": {"GatedScan"},
    },
}
GAU_TESTS = [
    (seed, name)
    for seed in DESIGNS
    for name, f in vars(seed_module(seed)).items()
    if is_gau_test(f)
]

each_seed = pytest.mark.parametrize("seed", DESIGNS)


def test_these_are_all_shipped_seeds():
    assert sorted(p.parent.name for p in resource("seeds").glob("*/design.yaml")) == sorted(DESIGNS)


@each_seed
def test_tree_is_that_of_the_paper(seed):
    tree = load_tree(resource("seeds") / seed)
    assert not tree.placeholders()
    assert {n: set(tree.children(n)) for n in tree.units if tree.children(n)} == PAPER_TREES[seed]


@each_seed
def test_design_says_where_it_comes_from(seed):
    design = yaml.safe_load((resource("seeds") / seed / "design.yaml").read_text())
    assert design["name"] == seed
    assert "arXiv" in design["source"]
    assert design["title"]


@each_seed
def test_units_document_shapes_source_and_test_themselves(seed):
    for unit in load_tree(resource("seeds") / seed).units.values():
        assert all(word in unit.docstring for word in ("Inputs:", "Outputs:", "Source:")), unit.name
        assert unit.tests, unit.name


def test_seeds_share_units_of_one_name():
    """Equal names mean equal code, so that crossing two seeds keeps one copy."""
    codes: dict[str, set[str]] = {}
    for seed in DESIGNS:
        for unit in load_tree(resource("seeds") / seed).units.values():
            codes.setdefault(unit.name, set()).add(unit.code)
    assert {name for name, code in codes.items() if len(code) > 1} == set()


@pytest.mark.parametrize(("seed", "name"), GAU_TESTS)
@pytest.mark.parametrize("dtype", [None, torch.bfloat16, torch.float64], ids=str)
def test_units_pass_their_own_tests(seed, name, dtype):
    getattr(seed_module(seed), name)(device=None, dtype=dtype)


@each_seed
@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_strictly_causal(seed, scale):
    blocks = make_blocks(seed, 32, torch.float64).eval()
    X = scale * torch.randn(1, 71, 32, dtype=torch.float64)
    with torch.no_grad():
        base = run_blocks(blocks, X)
        for cut in (1, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 70):
            future = scale * torch.randn(1, 71 - cut, 32, dtype=torch.float64)
            Y = run_blocks(blocks, torch.cat((X[:, :cut], future), dim=1))
            moved = (Y - base).abs().amax(-1)[0] / base.abs().max()
            assert moved[:cut].max() < 1e-12
            assert moved[cut:].min() > 1e-9
            # A prefix alone gives what it gives inside a longer sequence.
            alone = run_blocks(blocks, X[:, :cut])
            assert (alone - base[:, :cut]).abs().max() < 1e-10 * base.abs().max()


@each_seed
def test_gradients_flow_from_all_of_the_past_and_none_of_the_future(seed):
    blocks = make_blocks(seed, 32, torch.float64)
    X = torch.randn(1, 40, 32, dtype=torch.float64, requires_grad=True)
    Y = run_blocks(blocks, X)
    for t in (0, 15, 16, 33, 39):
        (grad,) = torch.autograd.grad((Y[:, t] * torch.randn(32)).sum(), X, retain_graph=True)
        reach = grad.abs().sum(-1)[0]
        assert (reach[: t + 1] > 0).all()
        assert not reach[t + 1 :].any()


@each_seed
def test_sequences_of_a_batch_do_not_meet(seed):
    blocks = make_blocks(seed, 48, torch.float64)
    X = torch.randn(3, 37, 48, dtype=torch.float64)
    together = run_blocks(blocks, X)
    apart = torch.cat([run_blocks(blocks, x[None]) for x in X])
    assert (together - apart).abs().max() < 1e-12


@each_seed
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_every_parameter_is_trained(seed, dtype):
    blocks = make_blocks(seed, 64, dtype)
    Y = run_blocks(blocks, torch.randn(2, 37, 64, dtype=dtype))
    (Y * torch.randn_like(Y)).sum().backward()
    for name, parameter in blocks.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().sum() > 0, name


@each_seed
@pytest.mark.parametrize("dim", [16, 80, 112])
@pytest.mark.parametrize(("batch", "length"), [(1, 1), (3, 2), (2, 33), (1, 100)])
def test_any_shape(seed, dim, batch, length):
    X = torch.randn(batch, length, dim)
    Y = run_blocks(make_blocks(seed, dim, n=1), X)
    assert Y.shape == X.shape
    assert torch.isfinite(Y).all()


@each_seed
@pytest.mark.parametrize("scale", [0.0, 1.0, 1000.0])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32], ids=str)
def test_finite_at_any_scale(seed, scale, dtype):
    blocks = make_blocks(seed, 64, dtype)
    X = (scale * torch.randn(2, 70, 64)).to(dtype).requires_grad_()
    Y = run_blocks(blocks, X)
    Y.float().square().mean().backward()
    assert Y.dtype is dtype
    assert torch.isfinite(Y).all()
    assert torch.isfinite(X.grad).all()
    assert all(torch.isfinite(p.grad).all() for p in blocks.parameters())


@each_seed
def test_half_precision_is_close_to_full(seed):
    X = torch.randn(2, 70, 64)
    full = run_blocks(make_blocks(seed, 64), X)
    half = make_blocks(seed, 64).to(torch.bfloat16)
    for unit in half.modules():
        unit.factory_kwargs = {"dtype": torch.bfloat16}
    with torch.autocast("cpu", torch.bfloat16):
        mixed = run_blocks(make_blocks(seed, 64), X)
    for Y in (run_blocks(half, X.to(torch.bfloat16)), mixed):
        assert (Y.float() - full).norm() < 0.03 * full.norm()


@each_seed
def test_everything_lies_on_the_device_asked_for(seed):
    """On the meta device a tensor that was made elsewhere raises."""
    block = seed_module(seed).GAB(embed_dim=64, block_loc=(0, 1), device="meta")
    Y, _ = block(torch.randn(2, 37, 64, device="meta"))
    assert Y.device.type == "meta"
    assert Y.shape == (2, 37, 64)


@each_seed
def test_deterministic(seed):
    X = torch.randn(2, 50, 48)
    runs = []
    for _ in range(2):
        blocks = make_blocks(seed, 48)
        Y = run_blocks(blocks, X)
        Y.square().sum().backward()
        runs.append([Y, *(p.grad for p in blocks.parameters())])
    assert all(torch.equal(a, b) for a, b in zip(*runs, strict=True))


@each_seed
@pytest.mark.parametrize("dim", [64, 96, 128, 192, 256])
def test_a_block_weighs_like_a_transformer_block(seed, dim):
    def weight(name):
        return sum(p.numel() for p in make_blocks(name, dim, n=1).parameters())

    assert 0.8 < weight(seed) / weight("gpt2") < 1.25
