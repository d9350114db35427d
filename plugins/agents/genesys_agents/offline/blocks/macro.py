"""Macro compositions: how mixers, norms and residuals make up a block."""

from __future__ import annotations

from genesys_agents.offline.blocks.block import Block
from genesys_agents.offline.genotype import Role

RESIDUAL = ("plain", "plain", "gain", "gate")
RESIDUAL_TITLES = {"plain": "", "gain": "Scaled", "gate": "Highway"}

MACROS = [
    Block(
        "sequential",
        Role.BLOCK,
        lambda p: f"{RESIDUAL_TITLES[p['residual']]}Sequential",
        lambda p: 2.0 if p["residual"] == "gate" else 0.0,
        {"residual": RESIDUAL},
        {"norm1": Role.NORM, "token": Role.TOKEN, "norm2": Role.NORM, "channel": Role.CHANNEL},
        weight=4,
    ),
    Block(
        "parallel",
        Role.BLOCK,
        lambda p: f"{RESIDUAL_TITLES[p['residual']]}Parallel",
        lambda p: 0.0,
        {"residual": ("plain", "gain")},
        {"norm": Role.NORM, "token": Role.TOKEN, "channel": Role.CHANNEL},
        weight=2,
    ),
    Block(
        "sandwich",
        Role.BLOCK,
        lambda p: "Sandwich",
        lambda p: 0.0,
        {},
        {
            "norm1": Role.NORM,
            "token": Role.TOKEN,
            "post1": Role.NORM,
            "norm2": Role.NORM,
            "channel": Role.CHANNEL,
            "post2": Role.NORM,
        },
    ),
    Block(
        "two_mixers",
        Role.BLOCK,
        lambda p: f"{RESIDUAL_TITLES[p['residual']]}TwoMixers",
        lambda p: 0.0,
        {"residual": ("plain", "gain")},
        {
            "norm1": Role.NORM,
            "token1": Role.TOKEN,
            "norm2": Role.NORM,
            "token2": Role.TOKEN,
            "norm3": Role.NORM,
            "channel": Role.CHANNEL,
        },
        weight=2,
    ),
    Block(
        "macaron",
        Role.BLOCK,
        lambda p: "Macaron",
        lambda p: 0.0,
        {},
        {
            "norm1": Role.NORM,
            "channel1": Role.CHANNEL,
            "norm2": Role.NORM,
            "token": Role.TOKEN,
            "norm3": Role.NORM,
            "channel2": Role.CHANNEL,
        },
    ),
    Block(
        "stem",
        Role.BLOCK,
        lambda p: f"Stem{p['kernel']}",
        lambda p: 0.0,
        {"kernel": (2, 4)},
        {"inner": Role.BLOCK},
    ),
]
