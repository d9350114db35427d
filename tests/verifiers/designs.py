"""Designs for the tests: a small honest unit into which a line of code can be put."""

from __future__ import annotations

from genesys.records import Design, Unit

UNIT = '''\
# GAU_IMPLEMENTATION_FILE
import gc
import os
import sys

import torch
from torch import nn

from genesys.gau import GAUBase

{loading}


class Faulty(GAUBase):
    """A unit that does something else besides."""

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {{"device": device, "dtype": dtype}}
        super().__init__(embed_dim, block_loc, kwarg_all)
        self.up = nn.Linear(embed_dim, 6 * embed_dim, **self.factory_kwargs)
        self.down = nn.Linear(6 * embed_dim, embed_dim, **self.factory_kwargs)
        self.register_buffer("seen", torch.zeros(1))
        self.steps = 0

    def _forward(self, X, **Z):
        Y = X + self.down(torch.relu(self.up(X)))
        if self.training and torch.is_grad_enabled():
            self.steps += 1
            self.seen += 1
            {training}
        {always}
        return Y, Z


CHILDREN_DECLARATIONS = []
'''


def faulty(training: str = "pass", always: str = "pass", loading: str = "") -> Design:
    """A design that does something else besides.

    Args:
        training: A statement that runs in each step of training.
        always: A statement that runs in each forward pass.
        loading: Code that runs when the design is loaded.
    """
    code = UNIT.format(training=training, always=always, loading=loading)
    return Design(name="faulty", root="Faulty", units=[Unit(name="Faulty", code=code)])
