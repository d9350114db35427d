# GAU_IMPLEMENTATION_FILE
import torch

from genesys.gau import GAUBase, gau_test


def rotary_tables(length, head_dim, base, device):
    """Cosines and sines of shape (L, d / 2) of position times frequency."""
    # Angles reach L: half precision would lose the position.
    exponent = torch.arange(0, head_dim, 2, device=device, dtype=torch.float64) / head_dim
    position = torch.arange(length, device=device, dtype=torch.float64)
    angle = torch.outer(position, base**-exponent)
    return angle.cos(), angle.sin()


def rotary_turn(x, cos, sin):
    """Turn each pair (x_i, x_{i + d/2}) of x (..., L, d) by the angles of its position."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1).to(x.dtype)


class RotaryPositionalEmbeddings(GAUBase):
    """Turns queries and keys by angles that grow with their position.

    Products of a query and a key then depend on their distance only.

    Inputs: X (B, L, D), passed on unchanged; q, k (B, H, L, d) with even d.
    Outputs: Y = X; q, k turned.
    Source: Su et al. 2021, arXiv 2104.09864 [roformer].
    """

    def __init__(
        self,
        embed_dim,
        block_loc,
        kwarg_all,
        device=None,
        dtype=None,
        rotary_base=10000.0,
        **kwargs,
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.rotary_base = rotary_base

    def _forward(self, X, q=None, k=None, **Z):
        if q is None or k is None:
            raise ValueError("RotaryPositionalEmbeddings needs q and k of shape (B, H, L, d) in Z")
        tables = rotary_tables(q.shape[-2], q.shape[-1], self.rotary_base, q.device)
        wide = torch.promote_types(q.dtype, torch.float32)
        cos, sin = (table.to(wide) for table in tables)
        return X, {"q": rotary_turn(q, cos, sin), "k": rotary_turn(k, cos, sin)}


@gau_test
def test_rotary_keeps_length_and_first_position(device=None, dtype=None) -> None:
    rotary = RotaryPositionalEmbeddings(embed_dim=32, block_loc=(0, 1), kwarg_all={})
    X, q, k = torch.randn(2, 9, 32), torch.randn(2, 4, 9, 8), torch.randn(2, 4, 9, 8)
    _, Z = rotary(X, q=q, k=k)
    assert torch.allclose(Z["q"].norm(dim=-1), q.norm(dim=-1), atol=1e-5)
    assert torch.allclose(Z["k"][:, :, 0], k[:, :, 0])


@gau_test
def test_rotary_depends_on_distance_only(device=None, dtype=None) -> None:
    rotary = RotaryPositionalEmbeddings(embed_dim=8, block_loc=(0, 1), kwarg_all={})
    q, k = (torch.randn(1, 1, 1, 8).expand(1, 1, 12, 8) for _ in range(2))
    _, Z = rotary(torch.randn(1, 12, 8), q=q, k=k)
    scores = (Z["q"] @ Z["k"].mT)[0, 0]
    for distance in range(6):
        along = scores.diagonal(-distance)
        assert torch.allclose(along, along[0].expand_as(along), atol=1e-4)


CHILDREN_DECLARATIONS = []
