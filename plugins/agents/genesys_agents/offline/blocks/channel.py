"""Channel mixers: what maps each position, and at most its recent past, by itself."""

from __future__ import annotations

from genesys_agents.offline.blocks.block import Block
from genesys_agents.offline.genotype import Role

ACTIVATION_TITLES = {
    "silu": "Silu",
    "gelu": "Gelu",
    "relu": "Relu",
    "relu2": "SquaredRelu",
    "sigmoid": "Sigmoid",
    "identity": "Bilinear",
    "mish": "Mish",
    "softsign": "Softsign",
}

CHANNELS = [
    Block(
        "gated_mlp",
        Role.CHANNEL,
        lambda p: f"{ACTIVATION_TITLES[p['activation']]}GatedMLP",
        lambda p: 3 * p["expansion"],
        {
            "activation": ("silu", "gelu", "relu", "sigmoid", "identity", "mish", "softsign"),
            "expansion": (2.0, 2.5, 3.0),
        },
        weight=3,
    ),
    Block(
        "plain_mlp",
        Role.CHANNEL,
        lambda p: f"{ACTIVATION_TITLES[p['activation']]}MLP",
        lambda p: 2 * p["expansion"],
        {"activation": ("gelu", "relu2", "silu", "mish"), "expansion": (3.0, 4.0)},
        weight=2,
    ),
    Block(
        "low_rank_mlp",
        Role.CHANNEL,
        lambda p: f"LowRank{p['divisor']}MLP",
        lambda p: (1 + 2 * 4) / p["divisor"] + 4,
        {"activation": ("gelu", "relu2", "silu"), "divisor": (2, 4)},
    ),
    Block(
        "shift_mlp",
        Role.CHANNEL,
        lambda p: f"{'Received' if p['receptance'] else ''}ShiftMLP",
        lambda p: 2 * p["expansion"] + p["receptance"],
        {"receptance": (False, True), "expansion": (3.0, 3.5)},
        weight=2,
    ),
    Block(
        "conv_mlp",
        Role.CHANNEL,
        lambda p: f"Conv{p['kernel']}{ACTIVATION_TITLES[p['activation']]}MLP",
        lambda p: 2 * p["expansion"],
        {"activation": ("gelu", "relu2", "silu"), "kernel": (2, 3, 4), "expansion": (3.0, 4.0)},
        weight=2,
    ),
    Block(
        "mixture_mlp",
        Role.CHANNEL,
        lambda p: f"Mixture{p['experts']}MLP",
        lambda p: 2 * p["expansion"],
        {
            "activation": ("gelu", "relu2", "silu"),
            "experts": (2, 4, 8),
            "expansion": (3.0, 4.0),
        },
        weight=2,
    ),
]
