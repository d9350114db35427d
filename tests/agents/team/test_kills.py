"""A run that is killed at any call pays for none twice, and ends in the same tree."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from genesys.evolution.replay import replay
from genesys.population.evolution_tree import EvolutionTree
from genesys.testing.llm_server import LLMServer
from genesys_agents.testing.competent import Competent
from genesys_agents.testing.misdeeds import garbage, sometimes

SWEEP = Path(__file__).with_name("kill_sweep.py")


@pytest.mark.slow
def test_killed_at_one_call_after_the_other(tmp_path: Path) -> None:
    answer = sometimes(Competent(turns_down=0.3), garbage, every=3)
    with LLMServer(answer) as whole, LLMServer(answer) as broken:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", str(SWEEP), str(tmp_path), whole.url, broken.url],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    assert json.loads(done.stdout)["deaths"] >= 5
    assert (tmp_path / "killed.digest").read_text() == (tmp_path / "undisturbed.digest").read_text()
    assert len(EvolutionTree.read(tmp_path / "killed").children) == 2
    # Nothing that was sent differs, each of it was answered, and nothing was sent again.
    assert _sent(broken) == _sent(whole)
    assert len(broken.answered) == len(whole.answered) == len(whole.requests)
    calls, _ = EvolutionTree.read_tape(tmp_path / "killed")
    assert len(calls) == len(broken.answered)
    # Without the servers, which are gone.
    assert replay(tmp_path / "killed", tmp_path / "again", lambda event: None) == []


def _sent(server: LLMServer) -> list[str]:
    return [json.dumps(request.body, sort_keys=True) for request in server.requests]
