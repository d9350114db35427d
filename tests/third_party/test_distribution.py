"""A distribution of somebody else's works right after its installation."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Where the distribution is installed."""
    target = tmp_path_factory.mktemp("site")
    source = tmp_path_factory.mktemp("source") / "dist"
    subprocess.run(["cp", "-r", HERE / "dist", source], check=True)
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", target]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, source], check=True)
    return target


def genesys(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "genesys.cli.main", *arguments],
        cwd=site,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
    )


def test_its_plugins_are_listed_beside_the_built_in_ones(site):
    listed = json.loads(genesys(site, "plugins", "--json").stdout)
    names = {(p["kind"], p["name"]): p["distribution"] for p in listed}
    assert names["selector", "newest"] == "genesys-thirdparty 1.2.3"
    assert names["selector", "quadrant"].startswith("genesys ")


def test_its_configs_join_the_config_groups(site):
    options = ["selector=newest", "knowledge=[memory,proverbs]", "logger=diary", "--cfg", "job"]
    shown = genesys(site, "evolve", *options)
    assert shown.returncode == 0, shown.stderr
    assert "selector:\n  name: newest\n  references: 1" in shown.stdout
    assert "proverbs:\n    name: proverbs" in shown.stdout
    assert "memory:\n    name: memory" in shown.stdout
    assert "logger:\n  name: diary" in shown.stdout


def test_its_plugins_are_built_and_called(site):
    script = """
from random import Random
from genesys.cli.config import compose
from genesys.population.population import Population
from genesys.records import Design, Query, Role
from genesys.registry import load
from genesys_verifiers.loggers.config import logger_of
config = compose(["selector=newest", "knowledge=[memory,proverbs]"])
plugins = load(config, kinds=("selector", "knowledge"))
population = Population([Design(name=n, root="A", units=[]) for n in ("a", "b", "c")])
print(plugins.select(population, Role.VERIFIER, ["a", "b"], Random(0)).designs)
print([finding.id for finding in plugins.search(population, Query(description="any")).findings])
logger = logger_of({"name": "diary", "folder": "diaries"}).open("a")
logger.log_metrics({"train/loss": 2.5}, 10)
logger.save()
print(open("diaries/a.txt").read())
"""
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=site, env=environment, capture_output=True, text=True
    )
    told = ["['b']", "['proverbs:measure']", "10: train/loss=2.5"]
    assert done.stdout.split("\n")[:3] == told, done.stderr


def test_its_corpus_is_built(site, tmp_path, monkeypatch):
    monkeypatch.setenv("GENESYS_CACHE", str(tmp_path / "cache"))
    for number in range(40):
        words = " ".join(str(number * word) for word in range(3, 60))
        (tmp_path / f"{number}.letter").write_text(f"Dear {number}, {words}")
    (tmp_path / "odd.letter").write_text("Hello")
    done = genesys(site, "corpus", "build", "--json", "corpus=letters", f"corpus.folder={tmp_path}")
    assert done.returncode == 0, done.stderr
    built = json.loads(done.stdout)
    assert built["skipped"]["counts"] == {"no letter": 1}
    assert built["train"]["documents"] + built["valid"]["documents"] == 40


@pytest.mark.parametrize(
    "name", ["latency.py", "configs/checker/latency.yaml", "letters.py", "diary.py", "commands.py"]
)
def test_the_docs_show_its_files(name):
    docs = (HERE.parent.parent / "docs" / "plugins.md").read_text()
    assert (HERE / "dist" / "genesys_thirdparty" / name).read_text() in docs


def test_its_checker_stands_where_the_config_puts_it(site):
    for place, order in ((-1, "[symbolic,latency]"), (0, "[latency,symbolic]")):
        shown = genesys(site, "evolve", f"checker={order}", "--cfg", "job")
        assert list(yaml.safe_load(shown.stdout)["checker"])[place] == "latency", shown.stderr


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    """A unit that is valid but for its speed."""
    code = (HERE.parent.parent / "seeds" / "gpt2" / "units" / "RMSNorm.py").read_text()
    loop = "for _ in range(30_000):\n            X = X + 0.0\n        return functional"
    file = tmp_path_factory.mktemp("slow") / "RMSNorm.py"
    file.write_text(code.replace("return functional", loop))
    return file


def test_its_checker_measures_and_judges(site, slow):
    seed = HERE.parent.parent / "seeds" / "gpt2"
    passed = genesys(site, "check", str(seed), "checker=latency", "--json")
    assert passed.returncode == 0, passed.stdout
    report = json.loads(genesys(site, "check", str(slow), "checker=latency", "--json").stdout)
    (issue,) = report["issues"]
    assert (issue["check"], issue["kind"]) == ("latency", "cost")
    assert "at most 200 are allowed" in issue["message"]


def test_a_plugin_that_cannot_be_imported_is_named(site):
    done = genesys(site, "evolve", "verifier.name=broken")
    assert done.returncode == 1
    assert "verifier.broken of genesys-thirdparty 1.2.3 cannot be imported" in done.stderr
    assert "a_package_that_is_not_installed" in done.stderr.replace("\n", "")
    assert "Traceback" not in done.stderr


def test_its_commands_are_listed_and_not_imported(site):
    listed = genesys(site, "--help")
    assert listed.returncode == 0, listed.stderr
    for line in ("proverb Say a proverb.", "ruined A plugin with a missing dependency."):
        assert line in " ".join(listed.stdout.split())


def test_its_commands_are_called(site):
    assert genesys(site, "proverb", "--loud").stdout == "MEASURE TWICE, TRAIN ONCE.\n"
    assert "--run" in genesys(site, "show", "--help").stdout


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ruined", "'ruined' of genesys-thirdparty 1.2.3 cannot be imported: ModuleNotFoundError"),
        ("odd", "'genesys_thirdparty.proverbs:ProverbKnowledge' is no typer.Typer"),
    ],
)
def test_a_command_that_cannot_be_called_is_named(site, name, message):
    done = genesys(site, name, "--help")
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
