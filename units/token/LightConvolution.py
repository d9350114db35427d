# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn

from genesys.gau import GAUBase, UnitDecl, gau_test


def light_heads(embed_dim, at_most):
    """Fewest heads of at most ``at_most`` channels that divide ``embed_dim``."""
    return next(h for h in range(-(-embed_dim // at_most), embed_dim + 1) if embed_dim % h == 0)


class LightConvolution(GAUBase):
    """Convolution over the last positions with normalised weights, the same at each position.

    ``Y = W conv(v * sigmoid(g))`` with v and g linear in X; the channels of a head share their
    weights, which are a softmax over the taps.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    ``window_taps`` positions are read; ``head_dim`` is an upper bound of a head's width.
    Source: Wu et al. 2019, arXiv 1901.10430 [lighdynconv].
    """

    def __init__(
        self,
        embed_dim,
        block_loc,
        kwarg_all,
        device=None,
        dtype=None,
        window_taps=7,
        head_dim=32,
        **kwargs,
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        heads = light_heads(embed_dim, head_dim)
        self.project = nn.Linear(embed_dim, 2 * embed_dim, bias=False, **self.factory_kwargs)
        self.taps = nn.Parameter(torch.randn(heads, window_taps, **self.factory_kwargs))
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.window = WeightedWindow(**common, **self.factory_kwargs, **kwarg_all)

    def _forward(self, X, **Z):
        value, gate = self.project(X).chunk(2, dim=-1)
        value = value * gate.sigmoid()
        weights = self.taps.softmax(-1).to(X.dtype)[None, None]
        mixed, _ = self.window(value, **{**Z, "weights": weights})
        return self.out(mixed)


@gau_test
def test_lightconvolution_sees_its_window(device=None, dtype=None) -> None:
    unit = LightConvolution(
        embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype, window_taps=3
    )
    X = torch.randn(1, 8, 32, device=device, dtype=dtype)
    changed = X.clone()
    changed[:, 2] = torch.randn(32, device=device, dtype=dtype)
    moved = (unit(X)[0] != unit(changed)[0]).any(-1)[0]
    assert moved.tolist() == [False] * 2 + [True] * 3 + [False] * 3


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="WeightedWindow",
        requirements="Sum up the last positions of each head with its weights (B, L, H, K).",
        inputs=["X", "weights"],
        outputs=["Y"],
    )
]
