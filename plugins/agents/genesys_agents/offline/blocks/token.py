"""Token mixers: what carries information from earlier positions to later ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genesys_agents.offline.blocks.block import Block
from genesys_agents.offline.genotype import Role


def _attention_title(p: Mapping[str, Any]) -> str:
    reach = f"Sliding{p['window']}" if p["window"] else ""
    keys = {"all": "", "half": "Grouped", "one": "MultiQuery"}[p["keys"]]
    position = {"rotary": "Rotary", "slope": "Sloped", "none": ""}[p["position"]]
    return f"{'Gated' if p['gate'] else ''}{reach}{position}{keys}Attention"


def _attention_cost(p: Mapping[str, Any]) -> float:
    keys = {"all": 2.0, "half": 1.0, "one": 0.3}[p["keys"]]
    return 2 + keys + float(p["gate"])


def _memory_title(p: Mapping[str, Any]) -> str:
    decay = {"learned": "Decaying", "data": "Selective"}[p["decay"]]
    return f"{'Gated' if p['gate'] else ''}{decay}LinearAttention"


TOKENS = [
    Block(
        "attention",
        Role.TOKEN,
        _attention_title,
        _attention_cost,
        {
            "head_dim": (16, 32),
            "keys": ("all", "half", "one"),
            "position": ("rotary", "slope", "none"),
            "window": (0, 0, 16, 64),
            "qk_norm": (False, True),
            "gate": (False, True),
        },
        weight=3,
        quadratic=lambda p: True,
    ),
    Block(
        "linear_attention",
        Role.TOKEN,
        _memory_title,
        lambda p: 4 + p["gate"],
        {
            "head_dim": (16, 32),
            "decay": ("learned", "data"),
            "feature": ("identity", "elu", "relu2", "softmax"),
            "gate": (False, True),
        },
        weight=3,
    ),
    Block(
        "gated_recurrence",
        Role.TOKEN,
        lambda p: f"{'Tanh' if p['candidate'] == 'tanh' else ''}GatedRecurrence",
        lambda p: 4 * p["width"],
        {
            "candidate": ("linear", "tanh"),
            "write": ("complement", "energy"),
            "width": (1.0, 1.5),
        },
        weight=3,
    ),
    Block(
        "moving_average",
        Role.TOKEN,
        lambda p: f"Scales{p['scales']}MovingAverage",
        lambda p: 3.0,
        {
            "scales": (1, 2, 4),
            "horizon": (64, 256, 1024),
            "gate": ("silu", "sigmoid", "tanh"),
        },
        weight=2,
    ),
    Block(
        "short_conv",
        Role.TOKEN,
        lambda p: f"{'Double' if p['double'] else ''}GatedConv{p['kernel']}",
        lambda p: 4.0 if p["double"] else 3.0,
        {"kernel": (3, 4, 7), "double": (False, True)},
    ),
    Block(
        "dilated_conv",
        Role.TOKEN,
        lambda p: f"Dilated{p['levels']}Conv",
        lambda p: 3.0,
        {"taps": (2, 3), "levels": (2, 3, 4), "gate": ("silu", "sigmoid")},
        weight=2,
    ),
    Block(
        "window_means",
        Role.TOKEN,
        lambda p: f"Window{p['levels']}Means",
        lambda p: 3.0,
        {"levels": (2, 3, 4), "gate": ("silu", "sigmoid", "tanh")},
    ),
    Block(
        "shifted",
        Role.TOKEN,
        lambda p: "DataShifted" if p["rank"] else "Shifted",
        lambda p: 0.25 if p["rank"] else 0.0,
        {"rank": (0, 8, 16)},
        {"inner": Role.TOKEN},
    ),
    Block(
        "conv_fed",
        Role.TOKEN,
        lambda p: f"Conv{p['kernel']}Fed",
        lambda p: 0.0,
        {"kernel": (3, 4), "activation": ("identity", "silu")},
        {"inner": Role.TOKEN},
    ),
    Block(
        "hybrid",
        Role.TOKEN,
        lambda p: f"{p['blend'].capitalize()}Hybrid",
        lambda p: {"sum": 0.0, "gate": 1.0, "split": 2.0}[p["blend"]],
        {"blend": ("sum", "gate", "split")},
        {"first": Role.TOKEN, "second": Role.TOKEN},
        weight=2,
        share=lambda p: 0.25 if p["blend"] == "split" else 1.0,
    ),
    Block(
        "cascade",
        Role.TOKEN,
        lambda p: "Cascade",
        lambda p: 0.0,
        {},
        {"first": Role.TOKEN, "norm": Role.NORM, "second": Role.TOKEN},
    ),
]
