"""One session by itself, over HTTP and without any model."""

import json
from pathlib import Path

import pytest

from genesys.cli.conversation import show_session
from genesys.cli.design import design
from genesys.testing.llm_server import LLMServer
from genesys_agents.testing.competent import Competent

QUICK = ("checker=format", "sandbox.backend=process", "sandbox.allow_unconfined=true")
TEAM = (
    "agent=team",
    "llm=local",
    "llm.max_output_tokens=4000",
    "llm.prices={openai/local:{input_usd:10,output_usd:10,context:1000000}}",
)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_larger_cap_goes_on_and_asks_nothing_again(capsys):
    with LLMServer(Competent()) as server:
        asked = ["parents=gpt2", *QUICK, *TEAM, f"llm.api_base={server.url}"]
        assert design([*asked, "budget.usd=0.35"]) == 2
        told = capsys.readouterr().err
        assert "spent or under way" in told
        assert "the same command with a larger budget.usd goes on" in told
        before = len(server.requests)
        assert 0 < before < 6
        assert design(asked, as_json=True) == 0
        made = json.loads(capsys.readouterr().out)
        assert len(server.requests) > before
        conversations = [json.dumps(request.messages) for request in server.requests]
        assert len(set(conversations)) == len(conversations)
        assert made["cost"]["tries"] == len(conversations)
        assert made["design"]["parents"] == ["gpt2"]
        assert design(asked) == 0  # done; only shown
        assert len(server.requests) == len(conversations)
    shown = capsys.readouterr().out
    for part in ("mutation of gpt2", "Proposal", "Review: ", "Cost of session:0", "designs/gpt2-0"):
        assert part in shown


def test_no_key_is_told_before_anything_happens(capsys, tmp_path, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert design(["parents=gpt2", "agent=team", *QUICK]) == 2
    assert "export OPENAI_API_KEY" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_from_scratch_without_a_model(capsys):
    assert design([*QUICK, "folder=mine", "seed=3"], as_json=True) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["session"]["selection"]["operator"] == "scratch"
    assert made["cost"]["tries"] == 0
    show_session(Path("mine"), "session:0")
    assert "No language model was called." in capsys.readouterr().out


def test_a_session_that_is_given_up(capsys):
    never = ("evolution.review_attempts=1", "evolution.accept_rating=5.0")
    assert design(["parents=[gpt2,mamba2]", "operator=crossover", *QUICK, *never]) == 1
    assert "crossover of gpt2 × mamba2: rejected by review" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["parents=gpt3"], "No seed named 'gpt3'. Did you mean 'gpt2'?"),
        (["parents=gpt2", "operator=crossover"], "takes another number of parents than 1"),
        (["parents=[gpt2,gpt2]"], "Two parents have one name"),
        (["parents=3"], "Config group 'design': parents"),
        (["parnts=gpt2"], "parnts"),
    ],
)
def test_what_cannot_be_done(overrides, message, capsys):
    assert design([*overrides, *QUICK]) == 2
    assert message in capsys.readouterr().err
