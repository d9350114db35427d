"""Several runs by one command: their folders, their lines, their failures, their processes."""

from __future__ import annotations

import io
import subprocess
import sys
from importlib.metadata import PackageNotFoundError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesys.cli import sweep
from genesys.cli.evolve import evolve
from genesys.cli.sweep import Failures, Tagged, run_name
from genesys.errors import MissingExtraError

SMALL = [
    *("agent=simulated", "verifier=simulated", "checker=accept", "knowledge=[]"),
    *("evolution.seeds=[gpt2]", "evolution.designs=1"),
]
KEYS = st.sampled_from(["seed", "experiment", "evolution.designs", "selector.explore", "agent"])


def genesys(*arguments, cwd):
    command = [sys.executable, "-m", "genesys.cli.main", "evolve", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd)


def test_a_folder_is_named_by_what_decides_results():
    told = ["seed=1", "experiment=full", "+evolution.designs=3"]
    name = "+evolution.designs=3,experiment=full,seed=1"
    assert run_name(told) == name
    elsewhere = ["name=x", "sweep=y", "generations=4", "executor=local", "executor.workers=3"]
    assert run_name([*told, *elsewhere, "logger=csv", "++budget.usd=3"]) == name
    assert run_name(elsewhere) == "run"


@given(st.lists(st.dictionaries(KEYS, st.text()), min_size=2, max_size=5))
def test_different_runs_have_different_folders(runs):
    overrides = {tuple(sorted(f"{key}={value}" for key, value in run.items())) for run in runs}
    names = {run_name(some) for some in overrides}
    assert len(names) == len({",".join(some) for some in overrides})
    for name in names:
        assert name not in {"", ".", ".."}
        assert "/" not in name
        assert len(name.encode()) < 255


def test_failures_are_told_in_the_order_of_jobs_and_leave_nothing(tmp_path):
    failures = Failures(tmp_path / "hidden")
    assert failures.take() == []
    for job in (10, 9, 2):
        failures.add(job, f"job {job}")
    assert failures.take() == ["job 2", "job 9", "job 10"]
    assert list(tmp_path.iterdir()) == []


def test_lines_of_several_processes_stay_whole():
    out = io.StringIO()
    one, other = Tagged(out, "one"), Tagged(out, "other")
    one.write("a b")
    other.write("c\nd\n")
    one.write(" e\nf")
    assert out.getvalue() == "other: c\nother: d\none: a b e\n"


@pytest.mark.parametrize(
    ("launcher", "extra"), [("joblib", "joblib"), ("ray", "ray"), ("submitit_slurm", "slurm")]
)
def test_a_launcher_that_is_not_installed(launcher, extra, monkeypatch):
    def none_is(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(sweep, "distribution", none_is)
    with pytest.raises(MissingExtraError, match=rf"pip install 'genesys\[{extra}\]'"):
        evolve(["-m", f"hydra/launcher={launcher}", "seed=1,2"])


@pytest.mark.slow
@pytest.mark.parametrize(("launcher", "good"), [("joblib", 2), ("submitit_local", 1)])
def test_runs_in_processes_of_their_own(launcher, good, tmp_path):
    pytest.importorskip(f"hydra_plugins.hydra_{launcher.split('_')[0]}_launcher")
    seeds = ",".join(map(str, [*range(good), -1]))
    done = genesys(*SMALL, "-m", f"hydra/launcher={launcher}", f"seed={seeds}", cwd=tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    folders = {path.parent.name: path.parent for path in tmp_path.glob("runs/sweep/*/run.json")}
    assert len(folders) == good
    assert all((folder / "report.html").exists() for folder in folders.values())
    told = [line for line in done.stderr.splitlines() if line.startswith("error: The run in")]
    assert told
    assert all("seed=-1" in line and "greater than or equal to 0" in line for line in told)
    if launcher == "joblib":
        for name in folders:
            assert sum(line.startswith(f"{name}: ") for line in done.stdout.splitlines()) > 3
    assert {path.name for path in tmp_path.iterdir()} == {"runs"}
