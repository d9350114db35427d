import base64
import hashlib
import json
import re

import pytest
from lxml import html

from genesys.cli.ranking import rank
from genesys.cli.report import excerpt as excerpts
from genesys.cli.report import write_report
from genesys.cli.report.descent import descent_tree
from genesys.cli.report.generations import generations
from genesys.cli.report.kinds import error_kinds
from genesys.cli.report.layout import positions
from genesys.cli.report.plots import CURVE_POINTS, curves, fitness
from genesys.cli.report.prose import markdown, python
from genesys.cli.report.scaling import scaling
from genesys.cli.report.summary import tiles
from genesys.errors import GenesysError
from genesys.population.ledger import Entry, EntryKind, JobKind
from genesys.population.metrics.errors import ERRORS, errors
from genesys.population.metrics.figures import GENERATIONS
from genesys.population.metrics.of_run import of_run
from genesys.population.metrics.tables import CALLS, table
from genesys.population.population import Population
from genesys.population.scaling import ScalingFit

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
        error_kinds(errors(of_run(population))),
        scaling(population, ScalingFit([*population.reports, fourth])),
    ]
    for figure in figures:
        # The page replaces colour variables before it draws; any colour does here.
        spec = json.loads(re.sub(r"var\(--[\w-]+\)", "red", json.dumps(figure)))
        Figure(data=spec["data"], layout=spec["layout"])


def test_classes_of_errors_are_drawn_by_group():
    rows = [
        {"group": "end", "error": "rejected by checker", "count": 3},
        {"group": "format", "error": "all", "count": 1},
        {"group": "format", "error": "unused child", "count": 1},
        {"group": "function", "error": "all", "count": 2},
        {"group": "function", "error": "shape", "count": 2},
        {"group": "function", "error": "causality", "count": 1},
        {"group": "other", "error": "other", "count": 1},
    ]
    figure = error_kinds(table(rows, ERRORS))
    assert [(bars["name"], bars["y"], bars["x"]) for bars in figure["data"]] == [
        ("format", ["unused child"], [1]),
        ("function", ["shape", "causality"], [2, 1]),
        ("other", ["other"], [1]),
    ]
    assert error_kinds(table(rows[:1], ERRORS)) is None


def test_the_report_shows_the_classes_of_errors(full):
    figures = json.loads(full.get_element_by_id("figures").text)
    assert figures["kinds-figure"]["data"][0]["y"] == ["causality"]
    assert full.get_element_by_id("kinds-figure") is not None


def test_descent_has_an_edge_per_parent(population):
    edges = descent_tree(population, [])["data"][:2]
    drawn = sum(line["x"].count(None) for line in edges)
    assert drawn == sum(len(d.parents) for d in population.designs)


def test_generations_need_three_of_them():
    rows = [
        {"first": 25 * i, "designs": 50, "mean": 0.4 + i / 10, "least": 0.3, "most": 0.9}
        for i in range(3)
    ]
    assert generations(table(rows[:2], GENERATIONS)) is None
    least, most, mean = generations(table(rows, GENERATIONS))["data"]
    assert mean["x"] == [0, 25, 50]
    assert mean["y"] == pytest.approx([0.4, 0.5, 0.6])
    assert (least["y"], most["y"]) == ([0.3] * 3, [0.9] * 3)


def folded(tree, name):
    fold = tree.get_element_by_id(f"metrics-{name}")
    return " ".join(fold.find("summary").text_content().split()), fold


def test_metrics_are_folded_with_what_they_come_to(full):
    gist, fold = folded(full, "sessions")
    assert gist == (
        "Sessions and errors 20% of 10 sessions made no design, "
        "12.5% of the designs tried failed in verification"
    )
    assert "causality" in fold.text_content() and fold.get("open") is None
    assert folded(full, "cost")[0] == "Cost-effectiveness no language model was paid"
    assert folded(full, "progress")[0] == "Progress not known yet: it takes three generations"
    assert "of 6 tell designs apart" in folded(full, "tasks")[0]
    assert not full.find_class("simulated")


def test_metrics_of_a_run_with_a_ledger_and_calls(population, page):
    call = {"session": 0, "role": "coder", "model": "m", "calls": 3, "usd": 2.5}
    calls = table([call | {"input_tokens": 10, "output_tokens": 5}], CALLS)
    entries = [
        Entry(time=0, kind=EntryKind.OPENED),
        Entry(time=0, kind=EntryKind.JOINED, worker="one"),
        Entry(time=0, kind=EntryKind.JOINED, worker="two"),
    ]
    for worker, work, outcome in (
        ("one", JobKind.SESSION, "accepted"),
        ("two", JobKind.VERIFICATION, "ok"),
    ):
        done = {"work": work, "worker": worker, "outcome": outcome, "seconds": 1800}
        entries.append(Entry(time=3600, kind=EntryKind.ENDED, **done))
    tables = of_run(population, calls, entries)
    tree = page(population, tables=tables)
    gist, fold = folded(tree, "pipeline")
    assert "workers busy for 50% of their time, verifiers to designers 1 to 1" in gist
    figures = json.loads(tree.get_element_by_id("figures").text)
    assert {line["name"] for line in figures["metrics-pipeline-figure"]["data"]} >= {"best ratio"}
    assert fold.get_element_by_id("metrics-pipeline-figure") is not None
    assert "2.50 USD" in folded(tree, "cost")[0]
    assert "coder" in folded(tree, "cost")[1].text_content()
    assert "USD for language models" in tree.find_class("tiles")[0].text_content()


def test_a_simulation_is_told_at_the_top(population, page):
    reports = [report.model_copy(update={"simulated": True}) for report in population.reports]
    (told,) = page(Population(population.designs, reports)).find_class("simulated")
    assert told.text_content().startswith("Simulated: nothing was trained (13 of 13")


def test_nothing_is_not_known_as_a_number(page):
    text = page(Population()).get_element_by_id("metrics").text_content()
    assert text.count("not known yet") == 5
    assert not re.search(r"\bnan\b|\bNone\b", text)


def test_a_run_of_too_many_designs_is_shown_in_part(population, page, monkeypatch):
    monkeypatch.setattr(excerpts, "MOST", 2)
    monkeypatch.setattr("genesys.cli.report.cards.MOST", 2)
    monkeypatch.setattr(excerpts, "POINTS", 4)
    monkeypatch.setattr("genesys.cli.report.write.REJECTED", 1)
    tree = page(population)
    shown = {card.get("id").removeprefix("design-") for card in tree.find_class("card")}
    # The two that did best at the last scale and the seeds; with their ancestors in the trees.
    best = {"gpt2", "mamba2", "gpt2-x-mamba2", "hybrid-norm"}
    assert shown == best
    assert "6 designs are left out" in tree.get_element_by_id("leaderboard").text_content()
    names = {row.findtext("th/a") for row in tree.find_class("board")[0].findall("tbody/tr")}
    assert names - {None} == best  # to an ancestor without a card there is no link
    targets = {a.get("href") for a in tree.iter("a") if a.get("href").startswith("#design-")}
    assert targets == {f"#design-{name}" for name in best}
    assert "1 before them are left out" in tree.get_element_by_id("rejected").text_content()
    assert "8 new decoder blocks" in tree.find_class("lead")[0].text_content()
    ranking = rank(population, "0.1M")
    assert len(excerpts.thinned(ranking.rows)) < len(ranking.rows)


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
