import json
from io import StringIO

import pytest
from rich.console import Console

from genesys.cli.show import as_json_text, describe, show
from genesys.errors import StoreError, UnknownNameError
from genesys.evolution.ladder import Ladder
from genesys.evolution.provenance import provenance
from genesys.population.evolution_tree import EvolutionTree
from genesys.population.ledger import Entry

from .conftest import SCALES, make_efficiency, make_report


def test_everything_about_a_child(population, render):
    shown = render(describe(population, "hybrid-norm"))
    assert "crossover of gpt2-x-mamba2 × mamba2-gated" in shown
    assert "over 2 verified scales" in shown
    assert "└─ Mamba2Layer" in shown
    assert "from mamba2-gated" in shown and "new" in shown
    assert "Motivation" in shown and "Review: 4.2 of 5" in shown
    assert "[library:gla] Gates & decay" in shown
    assert "✔ causality" in shown
    assert "next_word" in shown and "0.682 ± 0.012" in shown
    assert "GAU_IMPLEMENTATION_FILE" not in shown


def test_how_sure_the_fitness_is(population, render):
    shown = render(describe(population, "hybrid-norm"), 120)
    # Six tasks with an error of 0.012, at two scales with the same items.
    margin = 1.96 * 0.012 / 6**0.5
    low, high = json.loads(as_json_text(population, "hybrid-norm"))["fitness_interval"]
    assert (low, high) == pytest.approx((0.671 - margin, 0.671 + margin), abs=1e-5)
    assert "fitness 0.671 over 2 verified scales, 95% interval 0.661 to 0.681" in shown
    bare = population.__class__(population.designs)
    assert json.loads(as_json_text(bare, "gpt2"))["fitness_interval"] is None


def test_several_seeds_are_shown(population, render):
    report = population.reports[0]
    seeds = [s.model_copy(update={"by_seed": [s.value, s.value + 0.01]}) for s in report.scores]
    several = report.model_copy(update={"scores": seeds, "seed": 7})
    shown = render(describe(population.__class__(population.designs, [several]), "gpt2"), 80)
    assert "seeds 7 to 8" in " ".join(shown.split())
    assert "0.650 ± 0.012      0.503   0.500     ± 0.005" in shown


def test_seed_knows_its_children(population, render):
    shown = render(describe(population, "mamba2"))
    assert "parent of mamba2-gated, gpt2-x-mamba2" in shown
    assert "Proposal" not in shown


def test_failed_and_unverified_designs(population, render):
    failed = render(describe(population, "unstable-exp"))
    assert "0.1M  design error" in failed and "The loss became NaN at step 112." in failed
    bare = population.__class__(population.designs)
    assert "Not verified yet." in render(describe(bare, "gpt2"))


def test_a_forecast_or_why_there_is_none(population, render):
    name = "gpt2-shortconv"
    few = "There are only 3 designs verified at 0.1M and 0.3M; a forecast takes 4."
    assert few in render(describe(population, name))
    assert "No design has bits per byte above 0.3M." in render(describe(population, "gpt2"))
    assert "Forecast" not in render(describe(population, "unstable-exp"))

    fourth = make_report("mamba2", SCALES[1], 0.66, bits=1.85)
    more = population.__class__(population.designs, [*population.reports, fourth])
    shown = render(describe(more, name))
    found = json.loads(as_json_text(more, name))["forecast"]
    assert f"0.3M  {found['value']:.3f} ± {found['error']:.3f} bits per byte" in shown
    assert "The 4 designs verified at 0.1M and 0.3M share the exponent -0." in shown


def test_what_a_design_takes_beside_the_reference(population, render):
    error = "\x1b[2Jout of memory"
    report = make_report("mamba2", SCALES[1], 0.66).model_copy(
        update={"efficiency": make_efficiency("mamba2", 0.5, error)}
    )
    more = population.__class__(population.designs, [report])
    shown = render(describe(more, "mamba2"))
    assert "10k (0.50×)" in shown and "3.5k (0.50×)" in shown
    assert "out of memory" in shown and "\x1b" not in shown
    kept = json.loads(as_json_text(more, "mamba2"))["reports"][0]["efficiency"]
    assert [one["length"] for one in kept] == [128, 128, 512, 512]
    assert "prefill" not in render(describe(population, "mamba2"))


def test_code_of_one_unit_or_all(population, render):
    one = render(describe(population, "gpt2", unit="RMSNorm"))
    assert "class RMSNorm(GAUBase)" in one and "class MHA" not in one
    every = render(describe(population, "gpt2", code=True))
    assert "class RMSNorm(GAUBase)" in every and "class MHA(GAUBase)" in every


def test_unknown_names_get_the_nearest(population):
    with pytest.raises(UnknownNameError, match="Did you mean 'hybrid-norm'"):
        describe(population, "hybrid-nrom")
    with pytest.raises(UnknownNameError, match="Did you mean 'RMSNorm'"):
        describe(population, "gpt2", unit="RMSnorm")


def test_json_has_everything(population):
    data = json.loads(as_json_text(population, "hybrid-norm"))
    assert data["design"]["parents"] == ["gpt2-x-mamba2", "mamba2-gated"]
    assert [r["scale"] for r in data["reports"]] == ["0.1M", "0.3M"]
    assert data["fitness"] == pytest.approx(0.671)


def test_reads_a_run_folder(population, tmp_path):
    with EvolutionTree(tmp_path / "run", {}) as tree:
        tree.add_seed(population.design("gpt2"))
    console = Console(file=StringIO(), width=100)
    show(tmp_path / "run", "gpt2", console=console)
    show(tmp_path / "run", "gpt2", as_json=True, console=console)
    text = console.file.getvalue()
    assert "GatedMLP" in text
    assert json.loads(text[text.index("\n{") :])["design"]["name"] == "gpt2"


def test_a_folder_without_a_run(tmp_path):
    with pytest.raises(StoreError):
        show(tmp_path, "gpt2")


def test_hostile_text_is_shown_as_text(hostile, render):
    shown = render(describe(hostile, "evil", code=True))
    assert "\x1b" not in shown and "\u202e" not in shown
    assert "[bold red]x[/]" in shown


def test_why_a_design_is_here(population, render):
    verified = {"work": "verification", "design": "hybrid-norm", "scale": "0.1M"}
    told = [
        {"kind": "begun", "job": 7, "work": "session", "session": 6, "why": "the best two"},
        {"kind": "ended", "job": 7, "outcome": "accepted", "worker": "designer-1", "seconds": 6},
        {"kind": "begun", "job": 8, **verified, "why": "exploits"},
        {"kind": "failed", "job": 8, "outcome": "lost", "worker": "\x1b[2Jv-1", "seconds": 61},
        {"kind": "ended", "job": 8, **verified, "outcome": "ok", "worker": "v-2", "seconds": 20},
    ]
    entries = [Entry.model_validate({"time": 0.0} | entry) for entry in told]
    why = provenance(population, entries, Ladder(SCALES), "hybrid-norm")
    shown = render(describe(population, "hybrid-norm", why=why), 100)
    lines = [line.rstrip() for line in shown.splitlines()]
    start = lines.index(
        "session 6, crossover of gpt2-x-mamba2 × mamba2-gated (job 7): the best two"
    )
    assert lines[start + 1 : start + 4] == [
        "  accepted by designer-1 after 6 s",
        "  the proposal was rated 4.2 of 5",
        "  6 checks passed",
    ]
    assert "verification at 0.1M (job 8): exploits" in lines
    assert "  lost by v-1 after 1:01" in lines
    assert "  ok by v-2 after 20 s" in lines
    assert "  fitness 0.652" in lines
    assert "verified on every rung" in lines
    data = json.loads(as_json_text(population, "hybrid-norm", why=why))["why"]
    assert data["made"]["job"] == 7
    assert [len(step["attempts"]) for step in data["verified"]] == [1, 2]


def test_a_run_without_a_ledger_says_so(population, render):
    why = provenance(population, [], Ladder(SCALES), "gpt2-shortconv")
    shown = render(describe(population, "gpt2-shortconv", why=why), 100)
    assert "The run has no ledger of it" in shown
    assert "session 0, mutation of gpt2" in shown
    assert "Why it is here" not in render(describe(population, "gpt2-shortconv"))
