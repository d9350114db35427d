# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


class StreamRetNetMLP(GAUBase):
    """Feed-forward layer of a position and of what a cache of bounded size recalls for it.

    The cache holds narrow keys and values, D / 4 wide, of the first and of the latest positions.
    What it recalls stands beside X before the hidden layer of 3/2 D.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Xiao et al. 2023, arXiv 2309.17453, for the cache; Sun et al. 2023, arXiv 2307.08621,
    for the layer.
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        narrow, hidden = embed_dim // 4, 3 * embed_dim // 2
        self.qkv = nn.Linear(embed_dim, 3 * narrow, bias=False, **self.factory_kwargs)
        self.up = nn.Linear(embed_dim + narrow, hidden, bias=False, **self.factory_kwargs)
        self.down = nn.Linear(hidden, embed_dim, bias=False, **self.factory_kwargs)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.tiles = TileManager(**common, **self.factory_kwargs, **kwarg_all)
        self.cache = AdaptiveKVCache(**common, **self.factory_kwargs, **kwarg_all)

    def _forward(self, X, **Z):
        q, k, v = self.qkv(X).chunk(3, dim=-1)
        _, tiled = self.tiles(X, **{**Z, "q": q, "k": k, "v": v})
        _, found = self.cache(X, **tiled)
        recalled = found["recalled"].flatten(1, 2)[:, : X.shape[1]]
        return self.down(functional.gelu(self.up(torch.cat((X, recalled), dim=-1))))


@gau_test
def test_streamretnetmlp_does_not_look_ahead(device=None, dtype=None) -> None:
    mlp = StreamRetNetMLP(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(1, 60, 32, device=device, dtype=dtype)
    changed = torch.cat((X[:, :33], torch.randn_like(X[:, 33:])), dim=1)
    before, after = mlp(X)[0], mlp(changed)[0]
    assert torch.allclose(before[:, :33], after[:, :33], atol=1e-5)
    assert not torch.allclose(before[:, 33:], after[:, 33:], atol=1e-3)


@gau_test
def test_streamretnetmlp_sees_sinks_and_latest_positions_only(device=None, dtype=None) -> None:
    mlp = StreamRetNetMLP(embed_dim=32, block_loc=(0, 1), kwarg_all={})
    X = torch.randn(1, 60, 32, requires_grad=True)
    (slope,) = torch.autograd.grad(mlp(X)[0][:, 50].sum(), X)
    seen = slope[0].abs().sum(-1).nonzero().flatten().tolist()
    assert seen == [*range(4), *range(35, 51)]


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="TileManager",
        requirements="Cut q, k and v into tiles, with the keys and values each tile may need.",
        inputs=["X", "q", "k", "v"],
        outputs=["Y", "q", "k", "v", "distance"],
    ),
    UnitDecl(
        unitname="AdaptiveKVCache",
        requirements="Recall values of the sinks and of the latest positions for each query.",
        inputs=["X", "q", "k", "v", "distance"],
        outputs=["Y", "recalled"],
    ),
]
