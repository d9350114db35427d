# GAU_IMPLEMENTATION_FILE
import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, UnitDecl, gau_test


class GateLoop(GAUBase):
    """Linear recurrence whose fading and turning the data set for each channel.

    ``h_t = a_t h_{t-1} + k_t v_t`` and ``y_t = Re(q_t h_t)`` with ``a_t = sigmoid(x_t U)
    e^(i x_t P)``: each channel is a head of its own. The output is gated by a swish branch.

    Inputs: X (B, L, D). Outputs: Y (B, L, D).
    Source: Katsch 2023, arXiv 2311.01927 [gateloop].
    """

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.parts = nn.Linear(embed_dim, 4 * embed_dim, bias=False, **self.factory_kwargs)
        self.loop = nn.Linear(embed_dim, 2 * embed_dim, **self.factory_kwargs)
        self.out = nn.Linear(embed_dim, embed_dim, bias=False, **self.factory_kwargs)
        common = {"embed_dim": embed_dim, "block_loc": block_loc, "kwarg_all": kwarg_all}
        self.scan = LinearScan(**{**kwarg_all, **common, **self.factory_kwargs})
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self):
        """Memories of 2 positions (first channel) to 400 (last), hardly turning."""
        fade, turn = self.loop.bias.chunk(2)
        fade.copy_(torch.linspace(0, 6, len(fade)))
        nn.init.zeros_(turn)

    def _forward(self, X, **Z):
        wide = torch.promote_types(X.dtype, torch.float32)
        q, k, v, gate = self.parts(X).chunk(4, dim=-1)
        fade, turn = self.loop(X).to(wide).chunk(2, dim=-1)
        added = k.to(wide) * v
        state = {
            "decay": torch.polar(fade.sigmoid(), turn),
            "added": torch.complex(added, torch.zeros_like(added)),
        }
        h = self.scan(X, **{**Z, **state})[1]["states"].real
        # States grow to the length of their memory.
        Y = functional.rms_norm(q * h, h.shape[-1:], eps=1e-5).to(X.dtype)
        return self.out(Y * functional.silu(gate))


@gau_test
def test_gateloop_shut_branch(device=None, dtype=None) -> None:
    unit = GateLoop(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    nn.init.zeros_(unit.parts.weight[96:])
    Y, _ = unit(torch.randn(2, 20, 32, device=device, dtype=dtype))
    assert torch.equal(Y, torch.zeros_like(Y))


@gau_test
def test_gateloop_does_not_look_ahead(device=None, dtype=None) -> None:
    unit = GateLoop(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(1, 40, 32, device=device, dtype=dtype)
    changed = torch.cat((X[:, :33], torch.randn_like(X[:, 33:])), dim=1)
    before, after = unit(X)[0], unit(changed)[0]
    assert torch.allclose(before[:, :33], after[:, :33], atol=1e-5)
    assert not torch.allclose(before[:, 33:], after[:, 33:], atol=1e-3)


CHILDREN_DECLARATIONS = [
    UnitDecl(
        unitname="LinearScan",
        requirements="Linear recurrence of each channel: decay times what it was, plus added.",
        inputs=["X", "decay", "added"],
        outputs=["Y", "states"],
    )
]
