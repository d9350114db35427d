"""Norms: what keeps the scale of a position."""

from __future__ import annotations

from genesys_agents.offline.blocks.block import Block
from genesys_agents.offline.genotype import Role

NORMS = [
    Block("rms_norm", Role.NORM, lambda p: "RootMeanSquareNorm", lambda p: 0.0, weight=4),
    Block("layer_norm", Role.NORM, lambda p: "CentredNorm", lambda p: 0.0, weight=2),
    Block(
        "group_norm",
        Role.NORM,
        lambda p: f"Group{p['groups']}Norm",
        lambda p: 0.0,
        {"groups": (2, 4, 8)},
        weight=2,
    ),
    Block(
        "tanh_norm",
        Role.NORM,
        lambda p: "DynamicTanh",
        lambda p: 0.0,
        {"slope": (2.0, 4.0)},
    ),
    Block("scale_norm", Role.NORM, lambda p: "UnitLengthNorm", lambda p: 0.0),
]
