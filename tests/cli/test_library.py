"""``genesys library``, the commands of a plugin package."""

from __future__ import annotations

import json
import subprocess
import sys
from xml.etree import ElementTree

import networkx
import pytest
from typer.testing import CliRunner

from genesys.errors import GenesysError, MissingExtraError
from genesys.gau.reference import reference_unit, reference_units
from genesys_knowledge.commands import app
from genesys_knowledge.library.works import work, works


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("GENESYS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")


def library(*arguments: str) -> str:
    done = CliRunner().invoke(app, arguments)
    if done.exception:
        raise done.exception
    return done.stdout


def test_search_prints_works_and_units():
    told = library("search", "query heads share keys and values", "--limit", "3")
    assert "[gqa] J. Ainslie et al. (2023)" in told
    assert "genesys library show GQA prints its code" in told
    found = json.loads(library("search", "rotary position embedding", "-n", "2", "--json"))
    assert found[0]["id"] == "library:roformer"
    assert sum(finding["id"].removeprefix("library:").islower() for finding in found) == 2
    assert "Nothing found" in library("search", "zzzz")


def test_show_tells_all_of_a_work():
    told = library("show", "library:gqa")
    for part in (work("gqa").title, work("gqa").summary[:60], "wgqa", "GQA (token)"):
        assert part in told
    data = json.loads(library("show", "gqa", "--json"))
    assert data["units"] == ["token/GQA"] and "wgqa" in data["cited_by"] and not data["synced"]
    unsure = next(entry.key for entry in works() if not entry.verified)
    assert "mechanism unverified" in library("show", unsure)


def test_show_prints_the_code_of_a_unit():
    assert "class GQA(GAUBase)" in library("show", "GQA")
    data = json.loads(library("show", "GQA", "--json"))
    assert data["code"] == reference_unit("GQA").code and data["works"] == ["gqa"]


def test_the_graph_as_page_drawing_and_graphml(tmp_path):
    assert "297 works, 1623 citations" in library("graph", "-o", "all.graphml")
    graph = networkx.read_graphml("all.graphml")
    assert graph.number_of_nodes() == 297 and graph.has_edge("3drpe", "alibi")
    assert graph.nodes["alibi"]["year"] == work("alibi").year
    library("graph", "alibi", "-o", "alibi.svg")
    drawn = ElementTree.parse("alibi.svg").getroot()
    around = {"alibi", *work("alibi").cites, *(w.key for w in works() if "alibi" in w.cites)}
    titles = [t.text.partition(":")[0] for t in drawn.iter("{http://www.w3.org/2000/svg}title")]
    assert around <= set(titles)
    library("graph", "alibi", "-o", "alibi.html")
    page = (tmp_path / "alibi.html").read_text()
    assert "plotly" in page.lower() and work("alibi").title[:40] in page


def test_stats_count():
    numbers = json.loads(library("stats", "--json"))
    assert numbers["works"] == sum(numbers["years"].values()) == 297
    assert numbers["citations"] == 1623
    assert numbers["units"] == len(reference_units())
    assert next(iter(numbers["most_cited"])) == "transformer"
    assert "0 works synced" in library("stats")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "retnt"], "Did you mean 'retnet'"),
        (["graph", "retnt"], "Did you mean 'retnet'"),
        (["graph", "-o", "graph.png"], r"\.html, \.svg, \.graphml"),
        (["graph", "-o", "nowhere/graph.svg"], "No such file or directory"),
        (["search", "x", "--embedder", "word2vec"], "no embedder 'word2vec'"),
    ],
)
def test_bad_input_gets_one_message(arguments, message):
    with pytest.raises(GenesysError, match=message):
        library(*arguments)


def test_an_embedder_that_is_not_installed(monkeypatch):
    monkeypatch.setattr("genesys_knowledge.passages.minilm.PACKAGE", "not_installed")
    with pytest.raises(MissingExtraError, match="minilm"):
        library("search", "x", "--embedder", "minilm")


def test_papers_of_ones_own_are_added_found_and_counted(tmp_path):
    text = "The zymurgy of tokens brews values by yeast-like gates that ferment into memory. "
    (tmp_path / "zymurgy.md").write_text(f"# Zymurgy of tokens\n\n{text * 3}\n")
    assert library("add", "zymurgy.md").startswith("added zymurgy.md · Zymurgy of tokens · 1 ")
    (again,) = json.loads(library("add", "zymurgy.md", "--json"))
    assert (again["outcome"], again["paper"]["title"]) == ("known", "Zymurgy of tokens")
    found = json.loads(library("search", "zymurgy of yeast-like gates", "--json"))
    assert [f["title"] for f in found if f["source"] == "papers"] == ["Zymurgy of tokens"]
    own = {"papers": 1, "passages": 1, "embedder": "none"}
    assert json.loads(library("stats", "--json"))["own"] == own
    missing = CliRunner().invoke(app, ["add", "nothing.pdf"])
    assert missing.exit_code == 1 and missing.stdout.startswith("failed nothing.pdf: there is no")
    assert CliRunner().invoke(app, ["add"]).exit_code == 2
    assert CliRunner().invoke(app, ["search", "gates", "-n", "9999999999"]).exit_code == 2


def test_it_is_a_command_of_genesys():
    command = [sys.executable, "-m", "genesys.cli.main", "library", "show", "retnt"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Did you mean 'retnet'" in done.stderr
    assert "Traceback" not in done.stderr
