# GAU_IMPLEMENTATION_FILE
import torch
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


class TileManager(GAUBase):
    """Cuts a sequence into tiles and lays out for each what a cache would hold by then.

    A tile of T positions gets the keys of the first ``sinks`` positions, of the tile before and of
    its own: all that a window of T positions needs, in memory linear in L.

    Inputs: X (B, L, D), passed on unchanged; q, k, v (B, L, e).
    Outputs: Y = X; q (B, n, T, e); k and v (B, n, sinks + 2 T, e); distance (n, T, sinks + 2 T),
    from a query back to a key, or -1 for a key outside the window that is no sink and for a sink
    that is still inside.
    Source: Xiao et al. 2023, arXiv 2309.17453, for sinks and window; tiles are those of
    FlashAttention, Dao et al. 2022, arXiv 2205.14135.
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, tile=16, sinks=4, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.tile, self.sinks = tile, sinks

    def stock(self, x):
        """Sinks, the tile before and the tile itself, of x (B, n, T, e)."""
        before = functional.pad(x[:, :-1], (0, 0, 0, 0, 1, 0))
        sinks = x[:, :1, : self.sinks].expand(-1, x.shape[1], -1, -1)
        return torch.cat((sinks, before, x), dim=2)

    def distance(self, tiles, device):
        """Positions from each query back to each key of its stock, (n, T, sinks + 2 T), or -1."""
        step = torch.arange(self.tile * tiles, device=device).view(tiles, self.tile, 1)
        key = step[:, :1] + torch.arange(-self.tile, self.tile, device=device)
        recent = step - key
        outside = (recent < 0) | (recent >= self.tile) | (key < 0)
        sinks = step - torch.arange(self.sinks, device=device)
        inside = sinks < self.tile
        distances = sinks.masked_fill(inside, -1), recent.masked_fill(outside, -1)
        return torch.cat(distances, dim=-1)

    def _forward(self, X, q=None, k=None, v=None):
        if q is None or k is None or v is None:
            raise ValueError("TileManager needs q, k and v of shape (B, L, e) in Z")
        missing = -X.shape[1] % self.tile
        q, k, v = (
            functional.pad(x, (0, 0, 0, missing)).unflatten(1, (-1, self.tile)) for x in (q, k, v)
        )
        distance = self.distance(q.shape[1], X.device)
        return X, {"q": q, "k": self.stock(k), "v": self.stock(v), "distance": distance}


@gau_test
def test_tilemanager_keeps_the_sinks_and_a_window(device=None, dtype=None) -> None:
    unit = TileManager(embed_dim=8, block_loc=(0, 1), kwarg_all={}, tile=4, sinks=2)
    position = torch.arange(14.0)[None, :, None]
    _, Z = unit(torch.zeros(1, 14, 8), q=position, k=position, v=position)
    for query in range(14):
        place = divmod(query, 4)
        seen = Z["k"][0, place[0], :, 0][Z["distance"][place] >= 0]
        latest = range(max(query - 3, 0), query + 1)
        assert seen.tolist() == [s for s in (0, 1) if s < latest[0]] + list(latest)


CHILDREN_DECLARATIONS = []
