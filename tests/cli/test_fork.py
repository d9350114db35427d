"""The config of a fork: its run's, but for what is overridden."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from genesys.cli.config import compose
from genesys.cli.fork import changed, fork
from genesys.errors import ConfigError, StoreError
from genesys.evolution.fork import Moment
from genesys.evolution.run import identity_of
from genesys.population.evolution_tree import EvolutionTree
from genesys.population.run_file import RunFile, flatten

RUN = ["seed=5", "selector=tournament", "evolution.designs=3", "evolution.seeds=[gpt2]"]


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    return compose(RUN)


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["seed=0"],
        ["selector=quadrant"],
        ["selector=random", "seed=7"],
        ["selector.size=4"],
        ["evolution.designs=9", "generations=null"],
        ["verifier.threads=2"],
        ["+agent.more=2"],
        ["checker=[symbolic]"],
    ],
)
def test_overrides_are_as_if_the_run_had_had_them(
    overrides: list[str], config: dict[str, Any]
) -> None:
    kept = [r for r in RUN if r.split("=")[0] not in {o.split("=")[0] for o in overrides}]
    noted = config | {"choices": {"selector": "tournament", "checker": ["symbolic"]}}
    given = changed(noted, overrides)
    assert given.pop("choices", {}).keys() == noted["choices"].keys()
    assert flatten(given) == flatten(compose([*kept, *overrides]))


def test_an_experiment_leaves_nothing_of_the_run(config: dict[str, Any]) -> None:
    assert changed(config, ["experiment=demo"]) == compose(["experiment=demo"])


def test_what_was_chosen_of_groups_is_noted(config: dict[str, Any]) -> None:
    noted = {**config, "choices": {"selector": "tournament", "agent": "offline"}}
    choices = changed(noted, ["selector=random", "seed=1"])["choices"]
    assert choices == {"selector": "random", "agent": "offline"}
    assert noted["choices"]["selector"] == "tournament"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["selector=quadrnt"], "Could not find 'selector/quadrnt'"),
        (["colour=red"], "colour"),
        (["="], "="),
    ],
)
def test_overrides_that_are_none(
    overrides: list[str], message: str, config: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError, match=message):
        changed(config, overrides)


def test_the_command(
    config: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import yaml

    run, out = tmp_path / "run", tmp_path / "out"
    with EvolutionTree(run, identity_of(config, config["incidental"])):
        pass
    with pytest.raises(StoreError, match="no run of genesys evolve"):
        fork(run, out, [], Moment())
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    fork(run, out, ["selector=random"], Moment())
    assert "genesys resume" in capsys.readouterr().out
    written = yaml.safe_load((out / "config.yaml").read_text())
    assert (written["name"], written["folder"]) == ("out", str(out))
    assert RunFile.load(out).config["selector.name"] == "random"
    assert RunFile.load(out).config == identity_of(written, written["incidental"])
