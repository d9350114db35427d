"""Every shipped config composes, and what it names can be built."""

from __future__ import annotations

import pytest

from genesys.cli.config import compose
from genesys.errors import ConfigError
from genesys.evolution.run import ladder_of, sandbox_of
from genesys.evolution.settings import EvolutionSettings
from genesys.plugins import HOOKS, NEEDED
from genesys.population.population import Population
from genesys.records import Query
from genesys.registry import load
from genesys.resources import resource

CONFIGS = resource("configs")
OPTIONS = sorted(
    f"{'+' if path.parent.name == 'experiment' else ''}{path.parent.name}={path.stem}"
    for path in CONFIGS.glob("*/*.yaml")
)
EXTRAS = {f"logger={name}": name for name in ("tensorboard", "wandb", "mlflow")}
MORE = {"logger=wandb": ["logger.mode=offline"]}


@pytest.mark.parametrize("option", OPTIONS)
def test_composes_and_builds(option):
    config = compose([option.removeprefix("+"), *MORE.get(option, ())])
    if option in EXTRAS:
        pytest.importorskip(EXTRAS[option])
    load(config).require(*(HOOKS if config.get("knowledge") else NEEDED))
    EvolutionSettings.of(config["evolution"])
    assert ladder_of(config["ladder"]).scales
    sandbox_of(config["sandbox"]).close()


def test_a_run_may_have_no_knowledge():
    plugins = load(compose(["knowledge=[]"]))
    plugins.require(*NEEDED)
    assert plugins.search(Population(), Query(description="gates")).findings == []


def test_there_are_configs_for_every_built_in_plugin():
    from genesys.registry import installed

    built_in = {f"{p.kind}={p.name}" for p in installed() if p.distribution.startswith("genesys ")}
    assert built_in <= set(OPTIONS)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("selector=quadrnt", "Available options in 'selector'"),
        ("evolution.designz=3", "designz"),
        ("colour=red", "colour"),
        ("seed=[", "no viable alternative"),
    ],
)
def test_a_wrong_override_is_explained(override, message):
    with pytest.raises(ConfigError, match=message):
        compose([override])


@pytest.mark.parametrize(
    ("build", "config", "message"),
    [
        (sandbox_of, {"backnd": "auto"}, "no key 'backnd', did you mean 'backend'"),
        (sandbox_of, {"backend": "docker"}, "docker"),
        (sandbox_of, {"backend": "process"}, "allow_unconfined"),
        (sandbox_of, {"limits": {"seconds": -1}}, "seconds"),
        (ladder_of, {"scales": [{"name": "x"}]}, "n_block"),
        (sandbox_of, None, "'sandbox': input should be"),
        (ladder_of, {"scales": []}, "first scale needs"),
        (ladder_of, {}, "scales: field required"),
    ],
)
def test_a_wrong_value_is_explained(build, config, message):
    with pytest.raises(ConfigError, match=message):
        build(config)
