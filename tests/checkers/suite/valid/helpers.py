# GAU_IMPLEMENTATION_FILE
# about: helper functions, a data class and an enumeration
import dataclasses
import enum

import torch
from torch import nn
from torch.nn import functional

from genesys.gau import GAUBase, gau_test


class Kind(enum.Enum):
    """Activations."""

    SILU = "silu"
    TANH = "tanh"


@dataclasses.dataclass(frozen=True)
class Settings:
    """Of a mixture."""

    kind: Kind
    scale: float = 0.5


def mix(X, settings):
    """The activation, scaled."""
    activation = functional.silu if settings.kind is Kind.SILU else torch.tanh
    return settings.scale * activation(X)


class Mixer(GAUBase):
    """Helper functions, a data class and an enumeration."""

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.map = nn.Linear(embed_dim, embed_dim, **self.factory_kwargs)
        self.settings = Settings(kind=Kind.SILU)

    def _forward(self, X, **Z):
        return mix(self.map(X), self.settings)


@gau_test
def test_mixer_keeps_the_shape(device=None, dtype=None) -> None:
    unit = Mixer(embed_dim=32, block_loc=(0, 1), kwarg_all={}, device=device, dtype=dtype)
    X = torch.randn(2, 5, 32, device=device, dtype=dtype)
    assert unit(X)[0].shape == X.shape


CHILDREN_DECLARATIONS = []
