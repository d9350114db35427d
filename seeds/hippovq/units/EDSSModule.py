# GAU_IMPLEMENTATION_FILE
import torch

from genesys.gau import GAUBase, UnitDecl, gau_test


class EDSSModule(GAUBase):
    """Event-driven scale selection: finds events, and what to write and where to read for them.

    Inputs: X (B, L, D). Outputs: Y (B, L, D), the values to write; events (B, L, H) between 0 and
    1; scale_weights (B, L, H, S), which sum to 1 over the S scales.
    Source: the design HiPPOVQ of the Genesys paper, fig. 57.
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.detector = EventDetector(**common, **self.factory_kwargs, **kwarg_all)
        self.selector = ScaleSelector(**common, **self.factory_kwargs, **kwarg_all)
        self.projector = HiPPOProjector(**common, **self.factory_kwargs, **kwarg_all)

    def _forward(self, X, **Z):
        _, Z = self.detector(X, **Z)
        _, Z = self.selector(X, **Z)
        return self.projector(X, **Z)


@gau_test
def test_edssmodule_gives_shares_of_the_scales(device=None, dtype=None) -> None:
    unit = EDSSModule(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    _, Z = unit(torch.randn(2, 9, 32, device=device, dtype=dtype))
    assert Z["scale_weights"].shape[:3] == Z["events"].shape
    total = Z["scale_weights"].float().sum(-1)
    assert torch.allclose(total, torch.ones_like(total), atol=2e-2)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="EventDetector",
        requirements="Say how much of an event each position is.",
        inputs=["X"],
        outputs=["Y", "events"],
    ),
    UnitDecl(
        unitname="ScaleSelector",
        requirements="Weigh the scales for each position, by what it is and by its events.",
        inputs=["X", "events"],
        outputs=["Y", "scale_weights"],
    ),
    UnitDecl(
        unitname="HiPPOProjector",
        requirements="Map each position to the values that the memories take.",
        inputs=["X"],
        outputs=["Y"],
    ),
]
