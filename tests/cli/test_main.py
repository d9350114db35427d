"""The command line as a person meets it: light, and clear about what is wrong."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from genesys.resources import resource

HEAVY = ("torch", "lightning", "litellm", "lancedb", "ray", "lm_eval", "pyarrow", "plotly")


def genesys(*arguments, cwd=None):
    command = [sys.executable, "-m", "genesys.cli.main", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd)


@pytest.mark.parametrize(
    "arguments", [["--help"], ["plugins"], ["show", "--help"], ["library", "--help"]]
)
def test_light_commands_import_nothing_heavy(arguments):
    script = f"""
import sys
sys.argv = ["genesys", *{arguments}]
from genesys.cli.main import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print("HEAVY", [name for name in {HEAVY} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip().endswith("HEAVY []"), done.stdout + done.stderr


def test_help_names_every_command():
    text = genesys("--help").stdout
    for command in (
        "evolve",
        "plugins",
        "leaderboard",
        "show",
        "check",
        "verify",
        "eval",
        "benchmark",
        "export",
        "runs",
        "pause",
        "resume",
        "stop",
        "workers",
        "fork",
        "audit",
        "designs",
        "report",
        "corpus",
        "library",
    ):
        assert command in text


def test_evolve_shows_its_config(tmp_path):
    done = genesys("evolve", "experiment=demo", "--cfg", "job", cwd=tmp_path)
    assert done.returncode == 0
    assert "name: demo" in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evolve", "colour=red"], "Could not override 'colour'"),
        (["evolve", "experiment=dmeo"], "Could not find 'experiment/dmeo'"),
        (["evolve", "selector=quadrnt"], "Could not find 'selector/quadrnt'"),
        (["evolve", "selector.name=quadrnt"], "Did you mean 'quadrant'"),
        (["evolve", "selector.explore=lots"], "explore: Input should be a valid number"),
        (["evolve", "+selector.explor=1"], "Did you mean 'explore'"),
        (["evolve", "evolution.designs=-1"], "designs: "),
        (["evolve", "evolution.seeds=[gpt3]"], "Did you mean 'gpt2'"),
        (["evolve", "ladder.scales=[]"], "first scale needs"),
        (["evolve", "generations=0"], "generations: input should be greater"),
        (["evolve", "sandbox=null"], "must be a string or a list"),
        (["evolve", "~sandbox"], "'sandbox': input should be"),
        (["evolve", "+sandbox.limit=1"], "did you mean 'limits'"),
        (["evolve", "hydra.run.dir=taken"], "File exists"),
        (["show", "gpt2"], "There is no run"),
        (["show", "gpt2", "--run", "."], "is no run folder"),
        (["report"], "There is no run"),
        (["leaderboard", "--run", "nowhere"], "is no run folder"),
    ],
)
def test_bad_input_gets_one_message(arguments, message, tmp_path):
    (tmp_path / "taken").write_text("a file")
    done = genesys(*arguments, cwd=tmp_path)
    text = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 1, text
    assert message in text
    assert "Traceback" not in text


def test_check_tells_invalid_from_not_checked(tmp_path):
    (tmp_path / "unit.py").write_text("print('no unit')")
    invalid = genesys("check", tmp_path / "unit.py", "--json")
    assert invalid.returncode == 1
    assert json.loads(invalid.stdout)["issues"][0]["unit"] == "unit"
    told = genesys("check", tmp_path / "unit.py", "--llm")
    assert told.returncode == 1 and told.stdout.startswith("The design is not valid.")
    assert genesys("check", tmp_path / "unit.py", "--llm", "--json").returncode == 2
    assert genesys("check", tmp_path / "nothing.py").returncode == 2
    unit = resource("seeds") / "gpt2" / "units" / "RMSNorm.py"
    assert genesys("check", unit, "checker.symbolic.colour=1").returncode == 2
