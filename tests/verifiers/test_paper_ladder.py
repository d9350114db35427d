"""The paper's ladder and its verifier fit each other and the paper."""

from __future__ import annotations

import pytest

from genesys.cli.config import compose
from genesys.evolution.run import ladder_of
from genesys.gau.compose import compose as compose_block
from genesys.gau.folder import load_tree
from genesys.gau.load import load_block
from genesys.gau.model import GAM
from genesys.registry import load
from genesys.resources import resource
from genesys_verifiers.settings import Settings

CONFIG = compose(["ladder=paper", "verifier=lightning_paper"])
SCALES = {scale.name: scale for scale in ladder_of(CONFIG["ladder"]).scales}
TABLE = {"14M": 50, "31M": 40, "70M": 30, "125M": 20, "350M": 20, "760M": 20, "1.3B": 20}
STEPS = {"14M": 502, "31M": 988, "70M": 2014, "125M": 4177, "350M": 12779}


def test_it_composes_and_builds() -> None:
    assert load(CONFIG).verify is not None
    assert [scale.trials for scale in SCALES.values()] == [1000, 400, 150, 40, 5, 0, 0]


@pytest.mark.parametrize("name", TABLE)
def test_tokens_are_the_papers_multiple_of_the_references_parameters(name: str) -> None:
    scale = SCALES[name]
    block = load_block(compose_block(load_tree(resource("seeds") / "gpt2")))
    model = GAM(block.GAB, scale.d_model, scale.n_block, 32_000, block.gab_config, device="meta")
    parameters = sum(p.numel() for p in model.parameters())
    assert scale.tokens == pytest.approx(TABLE[name] * parameters, rel=0.005)


def test_a_step_takes_half_a_million_tokens() -> None:
    names = Settings.model_fields.keys()
    settings = Settings.model_validate(
        {key: value for key, value in CONFIG["verifier"].items() if key in names}
    )
    assert settings.tokens_per_step == 2**19
    assert (settings.micro_batch, settings.accelerator) == ("auto", "auto")
    assert {name: settings.steps(SCALES[name]) for name in STEPS} == STEPS


def test_a_rung_can_be_changed_from_the_command_line() -> None:
    config = compose(["ladder=paper", "ladder.scales.0.tokens=700000000"])
    assert ladder_of(config["ladder"]).scales[0].tokens == 700_000_000
