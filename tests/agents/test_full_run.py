"""The whole system with language models, as its user runs it: discover over HTTP, then replay."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from genesys.cli.searches import found_in
from genesys.population.evolution_tree import EvolutionTree, tree_digest
from genesys.records import Outcome
from genesys.testing.llm_server import LLMServer
from genesys_agents.testing.competent import Competent

RUN = Path("runs/full")
FREE = "{input_usd: 0, output_usd: 0}"
# As small as the parts allow; every part is real.
TINY = [
    "experiment=full",
    "llm=local",
    "llm.models={coder: {openai/one: 0.5, openai/two: 0.5}, default: openai/one}",
    f"+llm.prices={{openai/one: {FREE}, openai/two: {FREE}}}",
    "evolution.seeds=[gpt2]",
    "evolution.designs=2",
    "evolution.max_sessions=6",
    "corpus.speeches_mb=0.5",
    "corpus.prose_mb=0.1",
    "corpus.code_mb=0.1",
    "corpus.items_per_task=20",
    "ladder.scales=["
    "{name: S, n_block: 1, d_model: 48, tokens: 8000, learning_rate: 0.006, trials: 3}, "
    "{name: M, n_block: 2, d_model: 48, tokens: 8000, learning_rate: 0.006, trials: 1}]",
]


def genesys(cwd: Path, *arguments: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-m", "genesys.cli.main", *arguments],
        cwd=cwd,
        env={**os.environ, "GENESYS_CACHE": str(cwd / "cache")},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.mark.slow
def test_a_run_over_http_and_its_replay_without_the_server(tmp_path):
    with LLMServer(Competent(), models=["one", "two"]) as server:
        genesys(tmp_path, "evolve", *TINY, f"llm.api_base={server.url}")
    run = EvolutionTree.read(tmp_path / RUN)
    assert len(run.children) == 2
    assert all(report.outcome is Outcome.OK for report in run.reports)
    assert {request.model for request in server.requests} == {"one", "two"}
    calls, answers = EvolutionTree.read_tape(tmp_path / RUN)
    assert len(calls) == len(server.answered)
    found = {finding.id for search in found_in(answers) for finding in search.findings}
    for design in run.children:
        cited = {reference.id for reference in design.proposal.references}
        assert cited and cited <= found

    assert "the same tree" in genesys(tmp_path, "replay", "--run", str(RUN))
    again = tmp_path / "runs/full-replay"
    assert tree_digest(EvolutionTree.read(again)) == tree_digest(run)
    designs = [path for path in (tmp_path / RUN / "designs").rglob("*") if path.is_file()]
    assert designs
    for path in designs:
        assert (again / path.relative_to(tmp_path / RUN)).read_bytes() == path.read_bytes()
