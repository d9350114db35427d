# GAU_IMPLEMENTATION_FILE
import torch

from genesys.gau import GAUBase, UnitDecl, gau_test


class HyperConnectionBlock(GAUBase):
    """Attention and MLP between several residual streams, in place of one.

    The streams start as copies of what the first block gets, and travel on in Z. A layer reads a
    weighted sum of them; its output is spread over them, and they are mixed. Y is their sum.

    Inputs: X (B, L, D), read by the first block only; in Z streams (B, L, n, D) from the others.
    Outputs: Y (B, L, D); streams.
    ``residual_streams`` is n.
    Source: Zhu et al. 2024, arXiv 2409.19606.
    """

    def __init__(
        self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, residual_streams=4, **kwargs
    ):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.count = residual_streams
        args = {**kwarg_all, **common, **self.factory_kwargs, "residual_streams": residual_streams}
        self.connection1 = HyperConnection(**{**args, "first_stream": 2 * block_loc[0]})
        self.connection2 = HyperConnection(**{**args, "first_stream": 2 * block_loc[0] + 1})
        self.norm1 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.mha = MHA(**common, **self.factory_kwargs, **kwarg_all)
        self.norm2 = RMSNorm(**common, **self.factory_kwargs, **kwarg_all)
        self.mlp = SwiGluMLP(**common, **self.factory_kwargs, **kwarg_all)

    def _forward(self, X, streams=None, **Z):
        if streams is None:
            streams = X.unsqueeze(2).expand(-1, -1, self.count, -1)
        layers = (
            (self.connection1, self.norm1, self.mha),
            (self.connection2, self.norm2, self.mlp),
        )
        for connection, norm, layer in layers:
            read, roads = connection(X, streams=streams)
            out, Z = layer(norm(read, **Z)[0], **Z)
            streams = roads["kept"] + roads["spread"].unsqueeze(-1) * out.unsqueeze(2)
        return streams.sum(2).to(X.dtype), {**Z, "streams": streams}


@gau_test
def test_hyperconnectionblock_starts_as_n_residuals(device=None, dtype=None) -> None:
    block = HyperConnectionBlock(
        embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype
    )
    for child in (block.mha, block.mlp):
        child.forward = lambda X, **Z: (torch.ones_like(X), Z)
    X = torch.randn(2, 9, 32, device=device, dtype=dtype)
    for connection in (block.connection1, block.connection2):
        torch.nn.init.zeros_(connection.scale)
    assert torch.allclose(block(X)[0], 4 * (X + 2), atol=0.1)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="HyperConnection",
        requirements="Give what a layer reads of the streams, their mix, and where it writes.",
        inputs=["X", "streams"],
        outputs=["Y", "kept", "spread"],
    ),
    UnitDecl(
        unitname="RMSNorm",
        requirements="Normalise each position.",
        inputs=["X"],
        outputs=["Y"],
    ),
    UnitDecl(
        unitname="MHA",
        requirements="Mix positions causally.",
        inputs=["X"],
        outputs=["Y"],
    ),
    UnitDecl(
        unitname="SwiGluMLP",
        requirements="Map each position by itself.",
        inputs=["X"],
        outputs=["Y"],
    ),
]
