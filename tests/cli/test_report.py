import base64
import hashlib
import json
import re

import pytest
from lxml import html

from genesys.cli.ranking import rank
from genesys.cli.report import write_report
from genesys.cli.report.descent import descent_tree
from genesys.cli.report.generations import generations
from genesys.cli.report.kinds import error_kinds, rejections
from genesys.cli.report.layout import positions
from genesys.cli.report.plots import CURVE_POINTS, curves, fitness
from genesys.cli.report.prose import markdown, python
from genesys.cli.report.scaling import scaling
from genesys.cli.report.summary import tiles
from genesys.errors import GenesysError
from genesys.population.population import Population
from genesys.population.scaling import ScalingFit
from genesys.records import ErrorKind, Issue, Operator, Selection, Session, SessionEnd, Severity

from .conftest import SCALES, make_efficiency, make_report


@pytest.fixture()
def page(tmp_path):
    def written(population, **options):
        path = write_report(population, tmp_path / "out" / "report.html", **options)
        return html.fromstring(path.read_text("utf-8"))

    return written


@pytest.fixture(scope="module")
def full(population, tmp_path_factory):
    """The report of the whole population, read back."""
    folder = tmp_path_factory.mktemp("full")
    path = write_report(population, folder / "report.html", title="Nano demo")
    return html.fromstring(path.read_text("utf-8"))


def test_has_every_design_and_section(population, full):
    ids = {element.get("id") for element in full.iter() if element.get("id")}
    assert {"leaderboard", "descent", "fitness", "curves", "designs", "rejected"} <= ids
    assert {f"design-{d.name}" for d in population.designs} <= ids
    assert full.findtext(".//title") == "Nano demo · Genesys"
    assert "[library:gla] Gates & decay" in full.get_element_by_id("designs").text_content()
    lead = full.find_class("lead")[0].text_content()
    assert "8 new decoder blocks from 2 seeds" in lead
    assert "hybrid-norm, reaches 69.0% accuracy at 0.3M, 2.6 points ahead" in lead


def test_the_cost_is_a_figure_where_there_is_one(population, full):
    assert "language models" not in "".join(tile.label for tile in tiles(population, []))
    last = tiles(population, [], usd=6.0)[-1]
    assert (last.value, last.note) == ("6.00", "0.75 USD per new design")


def test_links_lead_somewhere(full):
    ids = {element.get("id") for element in full.iter() if element.get("id")}
    targets = {a.get("href") for a in full.iter("a")}
    assert targets <= {f"#{name}" for name in ids}


def test_leaderboard_agrees_with_the_terminal(population, full):
    board = full.find_class("board")[0]
    names = [row.find("th/a").text for row in board.findall("tbody/tr")]
    assert names == [row.design for row in rank(population, "0.1M").rows]
    assert "0.652 ± 0.005" in board.text_content()
    assert "untrained" in board.text_content() and "7.900" in board.text_content()


def test_rejections_have_reasons(full):
    text = full.get_element_by_id("rejected").text_content()
    assert "rejected by checker" in text and "MHA:41" in text
    assert "Same structure as gpt2-shortconv." in text


def test_losses_are_foretold_where_enough_designs_tell(population, page):
    assert scaling(Population(), ScalingFit([])) is None
    few = scaling(population, ScalingFit(population.reports))
    assert few is not None
    assert all(line["line"].get("dash") != "dot" for line in few["data"])

    fourth = make_report("mamba2", SCALES[1], 0.66, bits=1.85)
    more = Population(population.designs, [*population.reports, fourth], population.sessions)
    fit = ScalingFit(more.reports)
    found = fit.forecast("gpt2-shortconv")
    (line,) = [
        line
        for line in scaling(more, fit)["data"]
        if line["line"].get("dash") == "dot" and line["customdata"][0] == found.design
    ]
    assert (line["x"][1], line["y"][1]) == pytest.approx((found.compute, found.value), rel=1e-4)
    tree = page(more)
    assert tree.get_element_by_id("scaling-figure") is not None
    card = tree.get_element_by_id("design-gpt2-shortconv").text_content()
    assert f"{found.value:.3f} ± {found.error:.3f} bits per byte at 0.3M" in " ".join(card.split())


def test_time_and_memory_are_shown_where_they_were_measured(population, full, page):
    assert "Time and memory" not in full.get_element_by_id("designs").text_content()
    measured = make_efficiency("mamba2", 0.5, "<b>out of memory</b>")
    report = make_report("mamba2", SCALES[0], 0.6).model_copy(update={"efficiency": measured})
    card = page(Population(population.designs, [report])).get_element_by_id("design-mamba2")
    text = card.text_content()
    assert "Time and memory at 0.1M" in text and "3.5k (0.50×)" in text
    assert "<b>out of memory</b>" in text


def test_ties_and_other_terms_are_told(population, page):
    board = page(population).find_class("board")[0].text_content()
    assert "≈2" in board and "Fitness" not in board
    sized = [r.model_copy(update={"flops": 4 * r.parameters}) for r in population.reports]
    weights = {"accuracy": 1.0, "flops": 0.1}
    other = page(Population(population.designs, sized, weights=weights))
    table = other.find_class("board")[0]
    assert "Fitness" in table.text_content() and "0.552" in table.text_content()
    assert {len(row) for row in table.iter("tr")} == {10}
    close = [*population.reports[:2], make_report("gpt2-shortconv", SCALES[0], 0.625)]
    alike = Population(population.designs, close)
    assert "not told from chance" in page(alike).find_class("lead")[0].text_content()


def test_code_is_shown_once_where_it_is_new(population, full):
    child = full.get_element_by_id("design-gpt2-shortconv")
    assert len(child.find_class("code")) == 1
    assert "# variant 2" in child.find_class("code")[0].text_content()
    seed = full.get_element_by_id("design-gpt2")
    assert len(seed.find_class("code")) == len(population.design("gpt2").units)


def test_needs_no_network_and_runs_only_its_own_scripts(population, tmp_path):
    text = write_report(population, tmp_path / "report.html").read_text("utf-8")
    tree = html.fromstring(text)
    assert not tree.xpath("//link | //img | //script[@src] | //iframe")
    policy = tree.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")[0]
    assert policy.startswith("default-src 'none';") and "unsafe-eval" not in policy
    scripts = re.findall(r"<script>(.*?)</script>", text, re.S)
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert len(scripts) == 2
    assert len(text.encode()) < 6_000_000


def test_hostile_text_stays_text(hostile, tmp_path):
    path = write_report(
        hostile, tmp_path / "report.html", title="</title><script>alert(3)</script>"
    )
    text = path.read_text("utf-8")
    tree = html.fromstring(text)
    assert len(tree.findall(".//script")) == 3
    assert not re.search(r"<script>alert", text)
    assert not tree.xpath("//img | //a[starts-with(@href, 'javascript')]")
    assert "\x1b" not in text and "\u202e" not in text
    assert "alert(1)" in tree.get_element_by_id("designs").text_content()


@pytest.mark.parametrize("seeds_only", [True, False])
def test_nothing_to_show_yet(population, page, seeds_only):
    tree = page(Population(population.seeds if seeds_only else ()))
    assert "No design has been verified yet." in tree.text_content()
    assert json.loads(tree.get_element_by_id("figures").text).keys() == (
        {"descent-figure"} if seeds_only else set()
    )


def test_seeds_only_with_reports_and_one_scale(population, page):
    reports = [r for r in population.reports if r.design in ("gpt2", "mamba2")][:2]
    tree = page(Population(population.seeds, reports))
    assert len(tree.find_class("board")) == 1 and not tree.find_class("picker")


def test_replaces_an_older_report_in_one_step(population, tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    write_report(population, path)
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(GenesysError, match="cannot be written"):
        write_report(population, path / "below" / "report.html")


def test_figures_are_valid_plotly(population):
    from plotly.graph_objects import Figure

    ranking = rank(population, "0.1M")
    fourth = make_report("mamba2", SCALES[1], 0.66, bits=1.85)  # the fewest for a forecast
    figures = [
        descent_tree(population, [ranking]),
        fitness(population, ranking),
        curves(population, ranking),
        error_kinds(population),
        scaling(population, ScalingFit([*population.reports, fourth])),
    ]
    for figure in figures:
        # The page replaces colour variables before it draws; any colour does here.
        spec = json.loads(re.sub(r"var\(--[\w-]+\)", "red", json.dumps(figure)))
        Figure(data=spec["data"], layout=spec["layout"])


def rejected_for(*kinds, severity=Severity.ERROR):
    selection = Selection(operator=Operator.SCRATCH, designs=[])
    issues = [Issue(check="c", kind=kind, severity=severity, message="no") for kind in kinds]
    end = SessionEnd.REJECTED_BY_CHECKER
    return Session(index=0, seed=0, selection=selection, end=end, issues=issues)


def test_classes_of_errors_are_counted_once_a_design():
    sessions = [
        rejected_for(ErrorKind.SHAPE, ErrorKind.SHAPE, ErrorKind.UNUSED_CHILD),
        rejected_for(ErrorKind.SHAPE),
        rejected_for(None),
        rejected_for(ErrorKind.SLOW_LOOP, severity=Severity.WARNING),
    ]
    population = Population(sessions=sessions)
    assert rejections(population) == {
        "format": {"unused child": 1},
        "function": {"shape": 2},
        "other": {"other": 1},
    }
    figure = error_kinds(population)
    assert [(bars["name"], bars["y"], bars["x"]) for bars in figure["data"]] == [
        ("format", ["unused child"], [1]),
        ("function", ["shape"], [2]),
        ("other", ["other"], [1]),
    ]
    assert error_kinds(Population(sessions=[sessions[3]])) is None


def test_the_report_shows_the_classes_of_errors(full):
    figures = json.loads(full.get_element_by_id("figures").text)
    assert figures["kinds-figure"]["data"][0]["y"] == ["causality"]
    assert full.get_element_by_id("kinds-figure") is not None


def test_descent_has_an_edge_per_parent(population):
    edges = descent_tree(population, [])["data"][:2]
    drawn = sum(line["x"].count(None) for line in edges)
    assert drawn == sum(len(d.parents) for d in population.designs)


def test_generations_need_three_of_them(population):
    assert generations(population) is None
    one = population.children[0]
    designs = [one.model_copy(update={"name": f"d{i}", "parents": []}) for i in range(100)]
    reports = [make_report(d.name, SCALES[0], 0.4 + i / 500) for i, d in enumerate(designs)]
    figure = generations(Population(designs, reports))
    least, most, mean = figure["data"]
    assert least["y"] == pytest.approx([0.4, 0.45, 0.5])
    assert most["y"] == pytest.approx([0.498, 0.548, 0.598])
    assert mean["y"] == pytest.approx([0.449, 0.499, 0.549])


def test_layout_puts_children_right_of_their_parents(population):
    places = positions(population)
    for design in population.designs:
        for parent in design.parents:
            assert places[parent][0] < places[design.name][0]
    assert len(set(places.values())) == len(population.designs)


def test_fitness_shows_the_running_best(population):
    running = fitness(population, rank(population, "0.1M"))["data"][0]
    assert running["y"] == sorted(running["y"]) and running["y"][-1] == 0.652


def test_curves_are_thinned(population):
    report = population.reports[0]
    points = [
        report.curve[0].model_copy(update={"step": i, "tokens": i, "loss": 5.0})
        for i in range(5000)
    ]
    long = Population(population.seeds, [report.model_copy(update={"curve": points})])
    line = curves(long, rank(long, "0.1M"))["data"][0]
    assert 0 < len(line["x"]) <= CURVE_POINTS and line["x"][-1] == 4999


def test_markdown_has_no_links_images_or_html():
    shown = markdown("# A\n\n[x](http://y) ![z](http://y) <b>b</b> **bold**\n\n<script>1</script>")
    assert "<strong>bold</strong>" in shown and "<h4>A</h4>" in shown
    assert "<a" not in shown and "<img" not in shown and "<b>" not in shown
    assert "<script" not in shown


def test_code_is_marked_and_escaped():
    shown = python('def f(x):  # <b>\n    return "</pre>"\n')
    assert "<i class=c># &lt;b&gt;</i>" in shown and "</pre>" not in shown


def test_curves_in_colour_lie_above_the_grey_ones(population):
    lines = curves(population, rank(population, "0.1M"))["data"]
    names = [line["name"] for line in lines]
    assert names.count("others") == 4 and set(names[:4]) == {"others"}
    assert names[-1] == "hybrid-norm" and "gpt2" in names
    assert sum(line.get("showlegend", True) for line in lines) == 6
