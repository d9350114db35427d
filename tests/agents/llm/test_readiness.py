"""What a person is told before a run begins."""

from __future__ import annotations

import shlex
import subprocess
import sys
from typing import Any

import pytest

from genesys.cli.config import compose
from genesys.errors import ConfigError
from genesys.evolution.run import evolve
from genesys.resources import resource
from genesys_agents.llm.settings import LLMSettings
from genesys_agents.team.designer import Team

KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY")
CONFIGS = sorted(path.stem for path in resource("configs").glob("llm/*.yaml"))


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)


def team(*overrides: str) -> Team:
    config = compose(["agent=team", *overrides])["agent"]
    return Team(**{key: value for key, value in config.items() if key != "name"})


def told(*overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        team(*overrides).ready()
    return str(caught.value)


def test_which_key_is_missing_and_what_works_without() -> None:
    message = told("llm=openai")
    assert "openai/gpt-5 needs a key in the environment: export OPENAI_API_KEY=..." in message
    for way in ("agent=offline", "llm=local", "llm=offline"):
        assert way in message


def test_all_that_is_missing_is_told_at_once() -> None:
    message = told("llm=openai", "llm.models={default:foo/bar,coder:anthropic/claude-haiku-4-5}")
    assert "litellm knows no model 'foo/bar'" in message
    assert "export ANTHROPIC_API_KEY" in message
    assert "OPENAI_API_KEY" not in message


def test_a_model_without_a_price() -> None:
    assert "litellm has no price for 'openai/mine'" in told("llm=local", "llm.models=openai/mine")


def test_a_cap_that_no_call_fits_below() -> None:
    prices = "llm.prices={openai/local:{input_usd:0,output_usd:100}}"
    team("llm=local", prices).ready()
    message = told("llm=local", prices, "llm.session_usd=0.5")
    assert "may cost 1.6384 USD, which is more than llm.session_usd=0.5" in message


@pytest.mark.parametrize("name", CONFIGS)
def test_every_shipped_config_is_ready_once_the_keys_are_there(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in KEYS:
        monkeypatch.setenv(key, "sk-something-12345")
    team(f"llm={name}").ready()


@pytest.mark.parametrize("name", ["local", "offline"])
def test_what_needs_no_key(name: str) -> None:
    team(f"llm={name}").ready()


def test_the_shares_of_the_paper_are_whole() -> None:
    settings = LLMSettings.model_validate(compose(["llm=paper"])["llm"])
    assert {role: sum(shares.values()) for role, shares in settings.models.items()} == (
        pytest.approx(dict.fromkeys(settings.models, 1.0))
    )


def test_a_run_is_refused_before_it_begins(tmp_path: Any) -> None:
    folder = tmp_path / "run"
    events: list[Any] = []
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        evolve(compose(["agent=team", "llm=openai"]), folder, events.append)
    assert not events
    assert not folder.exists()


def test_building_the_team_loads_no_model_library() -> None:
    code = (
        "import sys\n"
        "from genesys_agents.team.designer import Team\n"
        "Team(llm={'models': 'openai/gpt-5'})._models\n"
        "assert 'litellm' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def commands() -> list[list[str]]:
    """The overrides of every run with language models in the docs."""
    page = resource("configs").parent / "docs" / "agents.md"
    text = page.read_text("utf-8").replace("\\\n", "") if page.exists() else ""
    lines = [line for line in text.splitlines() if line.startswith("genesys evolve agent=team")]
    return [shlex.split(line, comments=True)[2:] for line in lines]


@pytest.mark.parametrize("overrides", commands(), ids=" ".join)
def test_models_are_chosen_as_the_docs_say(
    overrides: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in (*KEYS, "GEMINI_API_KEY"):
        monkeypatch.setenv(key, "sk-something-12345")
    team(*overrides[1:]).ready()


def test_the_docs_have_commands() -> None:
    assert len(commands()) == 4
