# GAU_IMPLEMENTATION_FILE
import torch
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


def gated_scan(keep, added):
    """States of ``h_t = keep_t h_{t-1} + added_t`` in log2(L) rounds, with work linear in L.

    Two steps in a row are one step of half as long a sequence: solve that for the odd positions,
    then step once for the even ones.

    Args:
        keep: (B or 1, L, E).
        added: (B, L, E).

    Returns:
        h of shape (B, L, E), from a state of zeros.
    """
    length = added.shape[1]
    if length == 1:
        return added
    if length % 2:
        keep, added = (functional.pad(x, (0, 0, 0, 1)) for x in (keep, added))
    (keep0, keep1), (added0, added1) = (x.unflatten(1, (-1, 2)).unbind(2) for x in (keep, added))
    odd = gated_scan(keep0 * keep1, torch.addcmul(added1, keep1, added0))
    even = torch.addcmul(added0, keep0, functional.pad(odd[:, :-1], (0, 0, 1, 0)))
    return torch.stack((even, odd), dim=2).flatten(1, 2)[:, :length]


class GatedScan(GAUBase):
    """Linear recurrence of each channel, ``h_t = keep_t h_{t-1} + x_t``, without a loop over t.

    Inputs: X (B, L, E); in Z keep (B or 1, L, E), between 0 and 1. Outputs: Y (B, L, E), all h.
    Source: odd-even reduction as in Blelloch 1990, "Prefix sums and their applications".
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)

    def _forward(self, X, keep=None):
        if keep is None:
            raise ValueError("GatedScan needs keep of shape (B or 1, L, E) in Z")
        # Sums over the whole past need more than half precision.
        wide = torch.promote_types(X.dtype, torch.float32)
        return gated_scan(keep.to(wide), X.to(wide)).to(X.dtype)


@gau_test
def test_gatedscan_that_keeps_all_sums_the_past(device=None, dtype=None) -> None:
    scan = GatedScan(embed_dim=8, block_loc=(0, 1), kwarg_all={})
    X = torch.randn(2, 77, 8)
    Y, _ = scan(X, keep=torch.ones(1, 77, 8))
    assert torch.allclose(Y, X.cumsum(1), atol=1e-4)


@gau_test
def test_gatedscan_that_keeps_nothing_gives_the_present(device=None, dtype=None) -> None:
    scan = GatedScan(embed_dim=8, block_loc=(0, 1), kwarg_all={})
    X = torch.randn(2, 77, 8)
    assert torch.equal(scan(X, keep=torch.zeros(1, 77, 8))[0], X)


CHILDREN_DECLARATIONS = []
