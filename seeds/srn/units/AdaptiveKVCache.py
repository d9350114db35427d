# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn

from genesys.gau import GAUBase, gau_test


class AdaptiveKVCache(GAUBase):
    """Attention over a cache of sinks and recent positions that learns which of them to favour.

    A score is raised by what was learned for its distance, or for its sink: the cache may learn to
    rely on the latest positions or to spread.

    Inputs: X (B, L, D), passed on unchanged; q (B, n, T, e); k, v (B, n, sinks + 2 T, e) and
    distance (n, T, sinks + 2 T), below T but for the sinks, or -1 for a key that is not cached.
    Outputs: Y = X; recalled (B, n, T, e).
    Source: Xiao et al. 2023, arXiv 2309.17453; Raffel et al. 2020, arXiv 1910.10683, for a learned
    number for each distance.
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, tile=16, sinks=4, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.tile, self.sinks = tile, sinks
        self.favour_sink = nn.Parameter(torch.zeros(sinks, **self.factory_kwargs))
        self.favour_distance = nn.Parameter(torch.zeros(tile, **self.factory_kwargs))

    def _forward(self, X, q=None, k=None, v=None, distance=None):
        if q is None or k is None or v is None or distance is None:
            raise ValueError("AdaptiveKVCache needs q, k, v and distance in Z")
        recent = distance[..., self.sinks :].clamp(min=0)
        sinks = self.favour_sink.expand(*recent.shape[:-1], -1)
        favour = torch.cat((sinks, self.favour_distance[recent]), dim=-1)
        scores = (q * q.shape[-1] ** -0.5) @ k.mT + favour
        return X, {"recalled": scores.masked_fill(distance < 0, -torch.inf).softmax(-1) @ v}


@gau_test
def test_adaptivekvcache_follows_what_it_favours(device=None, dtype=None) -> None:
    cache = AdaptiveKVCache(embed_dim=8, block_loc=(0, 1), kwarg_all={}, tile=3, sinks=1)
    distance = torch.tensor([[[6, -1, 2, 1, 0, -1, -1]]])
    v = torch.arange(7.0).view(1, 1, 7, 1)
    given = {"q": torch.zeros(1, 1, 1, 1), "k": v, "v": v, "distance": distance}
    X = torch.zeros(1, 1, 8)
    assert torch.allclose(cache(X, **given)[1]["recalled"], torch.tensor((0 + 2 + 3 + 4) / 4))
    cache.favour_distance.data[1] = 100.0
    assert torch.allclose(cache(X, **given)[1]["recalled"], torch.tensor(3.0))


CHILDREN_DECLARATIONS = []
