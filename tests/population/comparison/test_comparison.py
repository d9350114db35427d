"""Runs beside each other, against cases worked out by hand."""

from __future__ import annotations

from math import sqrt

import pytest
import yaml

from genesys.errors import StoreError, UnknownNameError
from genesys.population.comparison import Estimate, compare
from genesys.population.comparison.runs import CHOICES, CONFIG_FILE
from genesys.population.evolution_tree import EvolutionTree
from genesys.population.ledger import Entry, EntryKind, Ledger
from genesys.records import Outcome, Score, VerificationReport

# Fitness of the seed and of the children: with windows of two in steps of one, the means are
# 0.5 0.6 0.5 0.7 and 0.5 0.7 0.8 0.9.
FIRST = (0.4, 0.6, 0.6, 0.4, 1.0)
SECOND = (0.4, 0.6, 0.8, 0.8, 1.0)


@pytest.fixture
def write(seed, child, session, tmp_path):
    """Write a run; None stands for a design that fails."""

    def written(
        name, fitness, number=1, selector="random", wanted=None, choices=None, simulated=False
    ):
        wanted = len(fitness) - 1 if wanted is None else wanted
        config = {
            "seed": number,
            "evolution": {"seed": number, "designs": wanted, "max_sessions": 50},
            "selector": {"name": selector},
        }
        folder = tmp_path / name
        with EvolutionTree(folder, config) as tree:
            tree.add_seed(seed)
            for place in range(1, len(fitness)):
                about = {"name": f"d{place}", "index": place, "structural_hash": f"{place}"}
                tree.commit_session(session(place - 1, f"d{place}"), child.model_copy(update=about))
            for place, value in enumerate(fitness):
                design = f"d{place}" if place else "gpt2"
                scores = [Score(task="t", metric="acc", value=value or 0.0)]
                report = VerificationReport(
                    design=design, scale="s", scores=scores, simulated=simulated
                )
                if value is None:
                    error = {"outcome": Outcome.DESIGN_ERROR, "scores": [], "error": "nan"}
                    report = report.model_copy(update=error)
                tree.commit_report(report)
        if choices:
            (folder / CONFIG_FILE).write_text(yaml.safe_dump({CHOICES: choices}))
        return folder

    return written


def figures(found, group):
    return {
        row["metric"]: row for row in found.tables()["groups"].to_pylist() if row["group"] == group
    }


def test_figures_and_intervals_by_hand(write, tmp_path):
    write("a1", FIRST, 1, "quadrant")
    write("a2", SECOND, 2, "quadrant")
    write("b", FIRST, 1, "random", simulated=True)
    found = compare(tmp_path, size=2, step=1)
    assert [group.label for group in found.groups] == [
        "selector.name=quadrant",
        "selector.name=random",
    ]
    assert [[run.seed for run in group.runs] for group in found.groups] == [[1, 2], [1]]
    two, one = figures(found, "selector.name=quadrant"), figures(found, "selector.name=random")
    # End: 0.2 and 0.4, so a mean of 0.3, a deviation of 0.1 sqrt 2, and 12.7062 of t for one.
    assert two["end"]["mean"] == pytest.approx(0.3)
    assert two["end"]["high"] - two["end"]["mean"] == pytest.approx(12.7062 * 0.1, rel=1e-4)
    assert two["best"]["mean"] == pytest.approx(0.8)
    assert two["drawdown"]["mean"] == pytest.approx(-0.05)
    # Changes: +0.1 -0.1 +0.2, with a mean of 0.2/3 and a variance of (0.06 - 0.04/3) / 2.
    deviation = sqrt((0.06 - 0.04 / 3) / 2)
    assert one["volatility"]["mean"] == pytest.approx(deviation)
    assert one["sharpe"]["mean"] == pytest.approx(0.2 / 3 / deviation)
    assert (one["end"]["low"], one["end"]["high"], one["end"]["runs"]) == (None, None, 1)
    assert (one["end"]["simulated"], two["end"]["simulated"]) == (True, False)
    assert found.simulated
    rows = found.tables()["generations"].to_pylist()
    assert [row["mean"] for row in rows if row["folder"] == "a2"] == pytest.approx(
        [0.5, 0.7, 0.8, 0.9]
    )


def test_intervals_of_three_by_hand():
    # Deviation 1, so 4.30265 / sqrt 3.
    assert Estimate.of([1.0, 2.0, 3.0]) == Estimate(2.0, pytest.approx(2.48414, rel=1e-5), 3)
    assert Estimate.of([]) is None


def test_errors_are_of_new_designs_that_were_tried(write, tmp_path):
    write("a", (0.4, 0.6, None, 0.6, 0.4, 0.5), wanted=4)
    found = compare(tmp_path, size=2, step=1)
    assert figures(found, "all")["errors"]["mean"] == pytest.approx(1 / 5)


def test_only_the_first_designs_count_if_so_many_are_asked_for(write, tmp_path):
    write("long", FIRST, 1)
    write("short", FIRST[:-1], 2)
    found = compare(tmp_path, size=2, step=1, designs=5)
    ((run,),) = [group.runs for group in found.groups]
    assert (run.folder, run.designs) == ("long", 5)
    assert [(one.folder, one.reason) for one in found.left_out] == [
        ("short", "is too short: 4 of 5 designs verified")
    ]
    found = compare(tmp_path, size=2, step=1, designs=4)
    assert {len(run.windows) for group in found.groups for run in group.runs} == {3}


def test_what_cannot_be_compared_is_named(write, tmp_path):
    with Ledger(write("going on", FIRST)) as ledger:
        ledger.append(Entry(time=1.0, kind=EntryKind.OPENED))
    with Ledger(write("ended", FIRST, 2)) as ledger:
        ledger.append(Entry(time=1.0, kind=EntryKind.OPENED))
        ledger.append(Entry(time=2.0, kind=EntryKind.CLOSED))
    write("stopped", FIRST, wanted=9)
    write("short", FIRST[:3])
    (write("damaged", FIRST) / "run.json").write_text("{")
    found = compare(tmp_path, size=2, step=1)
    assert [run.folder for group in found.groups for run in group.runs] == ["ended"]
    reasons = {one.folder: one.reason for one in found.left_out}
    assert reasons["going on"] == "has not ended: 5 designs verified so far"
    assert reasons["stopped"] == "was stopped: 4 of 9 designs made"
    assert "make 2 generations of 2 designs in steps of 1, 3 are needed" in reasons["short"]
    assert "damaged" in reasons["damaged"]
    assert found.tables()["left_out"].num_rows == 4


def test_groups_are_by_what_was_chosen(write, tmp_path):
    for number, experiment in enumerate(("full", "base", "full")):
        write(f"r{number}", FIRST, number, choices={"agent": "team", "experiment": experiment})
    found = compare(tmp_path, size=2, step=1)
    assert {group.label: len(group.runs) for group in found.groups} == {"full": 2, "base": 1}
    (pooled,) = compare(tmp_path, by=["agent"], size=2, step=1).groups
    assert (pooled.label, len(pooled.runs)) == ("agent=team", 3)
    with pytest.raises(UnknownNameError, match="Did you mean 'agent'"):
        compare(tmp_path, by=["agnt"], size=2, step=1)


def test_a_run_whose_config_is_damaged(write, tmp_path):
    (write("a", FIRST) / CONFIG_FILE).write_text("choices: [")
    (left_out,) = compare(tmp_path, size=2, step=1).left_out
    assert "config.yaml" in left_out.reason


def test_a_folder_without_runs(tmp_path):
    with pytest.raises(StoreError, match="no run below"):
        compare(tmp_path)
