"""The figures of a population, printed and written."""

from __future__ import annotations

import json
from io import StringIO

import pyarrow.parquet as pq
import pytest
from rich.console import Console

from genesys.cli.metrics import metrics
from genesys.errors import GenesysError
from genesys.population.metrics.of_run import of_run
from genesys.population.metrics.published import published
from genesys.population.metrics.tables import DESIGNS, SCORES
from genesys.population.population import Population

NAN = float("nan")
PUBLISHED = {
    "gpt2": {"results": {"14M": {"rte": {"acc": 0.5}, "cola": {"mcc": 0.2}}}},
    "one": {
        "units": {"A": ["B"], "B": []},
        "reuse_from": {"B": "gpt2.B"},
        "parents": ["gpt2"],
        "proposal_rating": 4.5,
        "proposal_costs_usd": {"DESIGN_PROPOSER": 1.0, "IMPLEMENTATION_CODER": 0},
        "implementation_costs_usd": {"DESIGN_PROPOSER": 0.5, "IMPLEMENTATION_CODER": 2.0},
        "results": {"14M": {"rte": {"acc": 0.4, "acc_norm": 0.8}, "cola": {"mcc": NAN}}},
    },
}


def printed(tables, **options):
    console = Console(file=StringIO(), width=100)
    metrics(tables, 3, 1, console=console, **options)
    return console.file.getvalue()


def test_shows_a_run(population):
    text = printed(of_run(population))
    for word in ("sharpe", "drawdown", "alpha", "communities", "reuse", "agreement", "GatedMLP"):
        assert word in text
    assert "design error" in text and "causality" in text
    assert "costs: not known" in text and "workers: not known" in text
    assert "Simulated" not in text
    erroneous = [d for d in population.children if population.is_erroneous(d.name)]
    tried = [d for d in population.children if population.reports_of(d.name)]
    found = json.loads(printed(of_run(population), as_json=True))
    ends = {row["figure"]: row["value"] for row in found["figures"] if row["group"] == "sessions"}
    assert ends["held"] == len(population.sessions)
    accepted = [session for session in population.sessions if session.design]
    assert ends["accepted"] == pytest.approx(len(accepted) / len(population.sessions))
    (rate,) = (row["share"] for row in found["errors"] if row["error"] == "design error")
    assert rate == pytest.approx(len(erroneous) / len(tried))


def test_a_simulation_is_told_first(population):
    reports = [report.model_copy(update={"simulated": True}) for report in population.reports]
    text = printed(of_run(Population(population.designs, reports)))
    assert text.startswith(f"Simulated: nothing was trained ({len(reports)} of {len(reports)}")


def test_files_hold_the_same(population, tmp_path):
    tables = of_run(population)
    found = json.loads(printed(tables, as_json=True, out=tmp_path / "new"))
    for name, rows in found.items():
        assert pq.read_table(tmp_path / f"new/{name}.parquet").to_pylist() == rows
        assert (tmp_path / f"new/{name}.csv").exists()
    assert pq.read_table(tmp_path / "new/designs.parquet").equals(tables.designs)
    lines = (tmp_path / "new/scores.csv").read_text().splitlines()
    assert len(lines) == 1 + tables.scores.num_rows


def test_a_population_without_anything():
    text = printed(of_run(Population()))
    assert "generations: not known" in text
    assert "alpha" not in text


def test_columns_of_which_nothing_is_known_are_left_out(tmp_path):
    path = tmp_path / "designs.json"
    path.write_text(json.dumps(PUBLISHED))
    text = printed(published(path))
    assert "chance" not in text and "items" not in text
    assert "coder" in text and "gain per usd" in " ".join(text.split())


def test_a_folder_that_cannot_be_written(population, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(GenesysError, match="cannot be written to"):
        printed(of_run(population), out=tmp_path / "file")


def test_reads_published_designs(tmp_path):
    path = tmp_path / "designs.json"
    path.write_text(json.dumps(PUBLISHED))
    found = published(path)
    assert (found.designs.schema, found.scores.schema) == (DESIGNS, SCORES)
    seed, child = found.designs.to_pylist()
    assert (seed["seed"], seed["fitness"]) == (True, pytest.approx((0.5 + 0.6) / 2))
    assert (child["units"], child["reused"], child["parents"]) == (["A", "B"], ["B"], ["gpt2"])
    assert (child["fitness"], child["usd"], child["rating"]) == (0.8, 3.5, 4.5)
    assert child["gain"] == pytest.approx(0.8 - (0.5 + 0.6) / 2)
    roles = {row["role"]: row["usd"] for row in found.calls.to_pylist()}
    assert roles == {"proposer": 1.5, "coder": 2.0}
    assert published(path, tasks=("rte",)).designs["fitness"].to_pylist() == [0.5, 0.8]


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}', '{"a": {"results": {"14M": 3}}}'])
def test_refuses_what_are_no_published_designs(tmp_path, text):
    path = tmp_path / "designs.json"
    path.write_text(text)
    with pytest.raises(GenesysError, match="holds no published designs"):
        published(path)
    with pytest.raises(GenesysError, match="cannot be read"):
        published(tmp_path / "nowhere.json")
