"""The comparison of runs, printed and written."""

from __future__ import annotations

import json
import re
import shutil
from io import StringIO

import pyarrow.parquet as pq
import pytest
from rich.console import Console

from genesys.cli.compare import compare
from genesys.cli.report.comparison import bands, runs_bands
from genesys.errors import GenesysError, StoreError
from genesys.population.comparison import Group, Run
from genesys.population.evolution_tree import EvolutionTree
from genesys.population.metrics.progress import progress


def a_run(seed, *windows):
    means = progress([sum(window) / len(window) for window in windows])
    return Run(f"r{seed}", seed, {}, 4, [list(window) for window in windows], means, None, False)


@pytest.fixture(scope="module")
def sweep(population, tmp_path_factory):
    """A multirun of two runs that can be compared, with hostile names, and one that cannot."""
    reports = {report.design: report for report in population.reports if report.fitness}
    folder = tmp_path_factory.mktemp("sweep")
    config = {"seed": 1, "evolution": {"seed": 1, "designs": 1}, "selector": {"name": "<b>[red]"}}
    with EvolutionTree(folder / "one", config) as tree:
        for seed in population.seeds:
            tree.add_seed(seed)
        for session in population.sessions[:8]:
            tree.commit_session(session, population.design(session.design))
        for report in reports.values():
            tree.commit_report(report.model_copy(update={"simulated": True}))
    for name, change in (("two", ('seed": 1', 'seed": 2')), ("other", ("<b>", "<i>"))):
        shutil.copytree(folder / "one", folder / name)
        file = folder / name / "run.json"
        file.write_text(file.read_text().replace(*change))
    (folder / "broken").mkdir()
    (folder / "broken" / "run.json").write_text("{}")
    return folder


def printed(*arguments, **options):
    console = Console(file=StringIO(), width=160)
    compare(*arguments, console=console, **options)
    return console.file.getvalue()


def test_shows_groups_and_what_is_left_out(sweep):
    text = printed(sweep, [], 3, 2)
    rows = [line for line in text.splitlines() if line.startswith("selector.name=")]
    assert [row.split()[:3] for row in rows] == [
        ["selector.name=<b>[red]", "(simulated)", "2"],
        ["selector.name=<i>[red]", "(simulated)", "1"],
    ]
    assert "±" in rows[0]
    assert "±" not in rows[1]
    assert "Simulated: nothing was trained." in text
    assert "Left out: broken" in text
    assert f"Page: {sweep / 'comparison' / 'comparison.html'}" in text


def test_files_hold_the_same(sweep, tmp_path):
    told = json.loads(printed(sweep, [], 3, 2, out=tmp_path / "out", as_json=True))
    for name in ("groups", "runs", "generations", "left_out"):
        assert pq.read_table(tmp_path / f"out/{name}.parquet").to_pylist() == told[name]
        assert (tmp_path / f"out/{name}.csv").exists()
    assert len(told["runs"]) == 3


def test_the_page_needs_nothing_and_escapes(sweep):
    printed(sweep, [], 3, 2)
    page = (sweep / "comparison" / "comparison.html").read_text()
    body = page[: page.index('<script type="application/json"')]
    assert "selector.name=&lt;b&gt;[red] (simulated)" in body
    assert "simulated: nothing was trained" in body
    assert "<b>[red]" not in body
    assert not re.search(r"(src|href)=.https?:", body)
    figures = json.loads(page.split('id="figures">')[1].split("</script>")[0])
    assert set(figures) == {"runs-figure", "designs-figure"}
    lines = [trace for trace in figures["runs-figure"]["data"] if "name" in trace]
    assert [line["name"] for line in lines] == ["selector.name=<b>[red]", "selector.name=<i>[red]"]
    assert lines[0]["x"] == [0, 2, 4, 6]


def test_bands_by_hand():
    group = Group("g", (a_run(1, (1, 3), (2, 4), (3, 5)), a_run(2, (3, 5), (2, 4), (1, 3), (0, 0))))
    over_runs, over_designs = runs_bands(group), bands(group)
    assert [band.mean for band in over_runs] == [3, 3, 3]  # the second has one generation more
    assert (over_runs[0].least, over_runs[0].most) == (2, 4)
    assert over_runs[0].deviation == pytest.approx(2**0.5)
    # Designs 1 3 3 5: a deviation of sqrt 2, and ends that are two away; both are halved.
    assert over_designs[0].deviation == pytest.approx(2**0.5 / 2)
    assert (over_designs[0].least, over_designs[0].most) == (2, 4)


def test_a_group_of_one_run_has_no_band_over_runs():
    (band, *_) = runs_bands(Group("g", (a_run(1, (1,), (2,), (3,)),)))
    assert (band.deviation, band.least, band.most) == (0, 1, 1)


def test_a_folder_that_cannot_be_written(sweep):
    (sweep / "file").write_text("")
    with pytest.raises(GenesysError, match="cannot be written to"):
        printed(sweep, [], 3, 2, out=sweep / "file")


def test_no_multirun(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match="no multirun below"):
        printed(None, [], 3, 2)
