"""Designs out of a population and back, in both forms, and what hostile folders come to."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genesys.errors import StoreError, UnknownNameError
from genesys.evolution.seeds import load_seed, seed_names
from genesys.gau.folder import load_tree
from genesys.gau.tree import GAUTree
from genesys.population.exchange import Form, as_name, export_designs, import_designs
from genesys.population.population import Population
from genesys.records import Design, Operator, Outcome, Score, VerificationReport

CODE = '''import torch
from model_discovery.model.utils.modules import GAUBase, gau_test, UnitDecl


class {name}(GAUBase):
    """Passes on what its children make of X."""

    def __init__(self, embed_dim, block_loc, kwarg_all, device=None, dtype=None, **kwargs):
        self.factory_kwargs = {{"device": device, "dtype": dtype}}
        super().__init__(embed_dim, block_loc, kwarg_all)

    def _forward(self, X, **Z):
        return torch.relu(X)
'''
TEST = """@gau_test
def test_{name}_shape(device=None, dtype=None):
    assert {name} is not None
"""


def unit(name: str, children: tuple[str, ...] = (), **others: Any) -> dict[str, Any]:
    """A unit as the original system writes it."""
    form: dict[str, Any] = {"code": CODE.format(name=name), "children": list(children)}
    form["gautests"] = {"shape": TEST.format(name=name)}
    return {**form, "args": {}, "spec": "{}", "rating": None, "reuse_from": None} | others


def units() -> dict[str, Any]:
    return {
        "Top": unit("Top", ("Left", "Right"), args={"width": 3, "bias": None}),
        "Left": unit("Left"),
        "Right": unit("Right", args={"width": 4}),
    }


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a design of the original system; arguments replace what a whole one says."""

    def written(name: str = "kid_1", **changes: Any) -> Path:
        folder = tmp_path / "theirs" / name
        (folder / "verifications").mkdir(parents=True)
        declares = {"Left": '{"requirements": "The left.", "inputs": ["X"], "outputs": ["Y"]}'}
        tree = {"root": "Top", "name": name, "units": units(), "declares": declares}
        results = {
            "arc": {"acc,none": 0.25, "acc_norm,none": 0.5, "acc_norm_stderr,none": 0.01},
            "cola": {"mcc,none": -0.5, "alias": "cola"},
            "sums": {"exact_match,flexible": 0.9, "exact_match,strict": 0.1},
            "blimp_one": {"acc,none": 0.5},
            "blimp_two": {"acc,none": 1.0},
            "broken": {"acc,none": "N/A"},
        }
        files = {
            "metadata.json": {"title": "A kid", "acronym": name, "seed_ids": ["mum & dad"]},
            "proposal.json": {
                "proposal": "# Why",
                "abstract": "…",
                "review": "Fine.",
                "rating": 4.2,
                "selection": "Left",
            },
            "implementation.json": {"implementation": tree | changes, "status": "implemented"},
            "verifications/14M.json": {
                "scale": "14M",
                "verification_report": {"eval_results.json": {"results": results}},
            },
        }
        for file, content in files.items():
            (folder / file).write_text(json.dumps(content))
        return folder

    return written


def the_one(source: Path, out: Path) -> Any:
    (found,) = import_designs(source, out)
    return found


def test_a_design_of_the_original_system_becomes_a_seed(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    loose = {"Unused": unit("Unused")}
    found = the_one(write(units=units() | loose).parent, tmp_path / "ours")
    assert (found.name, found.error) == ("kid_1", "")
    assert found.notes == [
        "No unit calls Unused: left out.",
        "Argument 'width' is 3 for all units; Right has another.",
    ]
    seed = load_seed(str(tmp_path / "ours" / "kid_1"))
    assert [u.name for u in seed.units] == ["Top", "Left", "Right"]
    assert {a.name: a.json_value for a in seed.args} == {"width": "3", "bias": "null"}
    top = load_tree(tmp_path / "ours" / "kid_1").units["Top"]
    assert top.children[0].requirements == "The left."
    assert top.tests == ("test_Top_shape",)
    assert "model_discovery" not in top.code
    home = tmp_path / "ours" / "kid_1"
    assert (home / "proposal.md").read_text() == "# Why\n"
    assert (home / "review.md").read_text() == "Rating: 4.2 of 5\n\nFine.\n"
    assert "mum-dad" in (home / "design.yaml").read_text()


def test_scores_are_those_that_count(write: Callable[..., Path], tmp_path: Path) -> None:
    the_one(write(), tmp_path / "ours")
    text = (tmp_path / "ours" / "kid_1" / "reports" / "14M.json").read_text()
    scores = {s.task: s for s in VerificationReport.model_validate_json(text).scores}
    values = {task: (s.metric, s.value, s.stderr) for task, s in scores.items()}
    assert values == {
        "arc": ("acc_norm", 0.5, 0.01),
        "cola": ("scaled_mcc", 0.25, None),
        "sums": ("exact_match", 0.1, None),
        "blimp": ("acc", 0.75, None),
    }


def test_code_that_declares_other_children_is_told_the_right_ones(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    stale = CODE.format(name="Top") + (
        "\n\nCHILDREN_DECLARATIONS = [UnitDecl(unitname='Left', requirements='Kept.'),\n"
        "    UnitDecl(unitname='Gone')]\n"
    )
    whole = units()
    whole["Top"]["code"] = stale
    the_one(write(units=whole), tmp_path / "ours")
    top = load_tree(tmp_path / "ours" / "kid_1").units["Top"]
    assert [(c.unitname, c.requirements) for c in top.children] == [
        ("Left", "Kept."),
        ("Right", ""),
    ]


HOSTILE: dict[str, tuple[dict[str, Any], str]] = {
    "no code": ({"units": {"Top": unit("Top", ("Gone",))}}, "'Gone' has no code"),
    "syntax": ({"units": {"Top": unit("Top", code="class (")}}, "Top:1: syntax error"),
    "other name": ({"units": {"Top": unit("Top", code=CODE.format(name="X"))}}, "filed under"),
    "path": ({"root": "../x", "units": {"../x": unit("../x")}}, "syntax error"),
    "their own module": (
        {"units": {"Top": unit("Top", code="import model_discovery.agents\n")}},
        "model_discovery.agents, which has no counterpart",
    ),
    "scope": (
        {"units": {"Top": unit("Top", code=CODE.format(name="Top") + "\nnonlocal x\n")}},
        "nonlocal",
    ),
    "deep": ({"units": {"Top": unit("Top", code="x = " + "(" * 150 + ")" * 150)}}, "Top"),
    "long": ({"units": {"Top": unit("Top", code="x" * 300_000)}}, "at most 200000"),
    "circle": ({"units": {"Top": unit("Top", ("Top",))}}, "of itself"),
    "no tree": ({"units": []}, "implementation.units: Input should be"),
    "wrong type": ({"units": {"Top": {"code": 7}}}, "implementation.units.Top.code"),
    "child is no name": ({"units": {"Top": unit("Top", ("a b",))}}, "cannot be the name"),
    "surrogate": ({"units": {"Top": unit("Top", code="\ud800")}}, "implementation.json"),
}


@pytest.mark.parametrize(("changes", "message"), HOSTILE.values(), ids=HOSTILE)
def test_what_cannot_be_imported_is_told(
    changes: dict[str, Any], message: str, write: Callable[..., Path], tmp_path: Path
) -> None:
    write("bad", **changes)
    write("good")
    bad, good = import_designs(tmp_path / "theirs", tmp_path / "ours")
    assert message in bad.error
    assert (good.name, good.error) == ("good", "")
    assert [path.name for path in (tmp_path / "ours").iterdir()] == ["good"]


def test_files_that_are_none(write: Callable[..., Path], tmp_path: Path) -> None:
    folder, out = write(), tmp_path / "ours"
    (tmp_path / "secret.json").write_text("secret")
    for spoil, message in (
        (lambda path: path.symlink_to(tmp_path / "secret.json"), "symbolic link"),
        (os.mkfifo, "is no file"),
        (lambda path: path.write_text("[" * 100_000), "implementation.json: Invalid JSON"),
        (lambda path: path.write_bytes(b"\xff\x00"), "implementation.json: Invalid JSON"),
        (lambda path: os.truncate(path.touch() or path, 2**26), "at most 33,554,432 are read"),
    ):
        (folder / "implementation.json").unlink()
        spoil(folder / "implementation.json")
        found = the_one(folder, out)
        assert message in found.error
        assert "secret" not in found.error
        assert list(out.iterdir()) == []


def test_what_is_odd_beside_the_code_is_left_out(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    folder = write()
    (folder / "proposal.json").write_text('{"proposal": "# Why", "rating": 11}')
    (folder / "verifications" / "14M.json").write_text('{"scale": "../../x"}')
    (folder / "verifications" / "31M.json").write_text("{")
    found = the_one(folder, tmp_path / "ours")
    notes = "\n".join(found.notes)
    assert found.name == "kid_1"
    assert "rating 11.0 is none of 0 to 5" in notes
    assert "names no scale" in notes
    assert "31M.json" in notes
    assert list((tmp_path / "ours" / "kid_1" / "reports").iterdir()) == []


def test_names_are_made_valid_and_unique(write: Callable[..., Path], tmp_path: Path) -> None:
    for name in ("a b", "a-b", "3fold", "Ünit"):
        write(name)
    found = import_designs(tmp_path / "theirs", tmp_path / "ours")
    names = {each.source: each.name for each in found}
    assert names == {"a-b": "a-b", "a b": "a-b-2", "3fold": "design-3fold", "Ünit": "Unit"}
    again = import_designs(tmp_path / "theirs", tmp_path / "ours")
    assert all("is there already" in each.error for each in again)


@given(st.text(max_size=100))
def test_any_text_makes_a_name(text: str) -> None:
    assert Design(name=as_name(text), root="A", units=[]).name


def test_linked_designs_are_not_followed(write: Callable[..., Path], tmp_path: Path) -> None:
    outside = write().rename(tmp_path / "outside")
    (tmp_path / "theirs" / "link").symlink_to(outside)
    assert "symbolic link" in the_one(tmp_path / "theirs", tmp_path / "ours").error


def test_nothing_to_import(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no designs in"):
        import_designs(tmp_path, tmp_path / "ours")
    with pytest.raises(StoreError, match="cannot be read"):
        import_designs(tmp_path / "nowhere", tmp_path / "ours")
    assert not (tmp_path / "ours").exists()


def seeds() -> list[Design]:
    return [load_seed(name) for name in seed_names()]


@pytest.mark.parametrize("form", Form)
def test_seeds_come_back_as_they_were(form: Form, tmp_path: Path) -> None:
    there = seeds()
    export_designs(Population(there), [d.name for d in there], tmp_path / "out", form)
    found = import_designs(tmp_path / "out", tmp_path / "back")
    assert [(each.error, each.notes) for each in found] == [("", [])] * len(there)
    for design in there:
        back = load_tree(tmp_path / "back" / design.name)
        assert back.as_design("x").structural_hash == design.structural_hash
        ours = GAUTree.of(design).units
        assert {n: u.tests for n, u in back.units.items()} == {n: u.tests for n, u in ours.items()}


@pytest.mark.parametrize("form", Form)
def test_what_is_said_of_a_design_comes_back(form: Form, child: Design, tmp_path: Path) -> None:
    scores = [
        Score(task="t", metric="acc", value=0.5, stderr=0.1),
        Score(task="c", metric="scaled_mcc", value=0.75, stderr=0.125),
        Score(task="heldout", metric="bits_per_byte", value=2.5),
    ]
    reports = [
        VerificationReport(design="kid", scale="0.1M", scores=scores),
        VerificationReport(design="kid", scale="0.3M", outcome=Outcome.DESIGN_ERROR),
    ]
    export_designs(Population([child], reports), ["kid"], tmp_path / "out", form)
    the_one(tmp_path / "out", tmp_path / "back")
    home = tmp_path / "back" / "kid"
    export_designs(Population([child]), ["kid"], tmp_path / "plain", Form.FOLDERS)
    for file in ("design.yaml", "proposal.md", "review.md"):
        assert (home / file).read_text() == (tmp_path / "plain" / "kid" / file).read_text()
    read = VerificationReport.model_validate_json((home / "reports/0.1M.json").read_text())
    assert read.scores == scores
    assert (home / "reports/0.3M.json").exists() == (form is Form.FOLDERS)


names = st.from_regex(r"[A-Z][a-z]{1,5}", fullmatch=True)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(names, min_size=1, max_size=5, unique=True),
    st.dictionaries(
        st.sampled_from(["width", "eps", "bias"]),
        st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-1, 1),
    ),
    st.data(),
)
def test_any_tree_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
    found: list[str],
    args: dict[str, Any],
    data: st.DataObject,
) -> None:
    tmp_path = tmp_path_factory.mktemp("tree")
    children: dict[str, list[str]] = {name: [] for name in found}
    for position, name in enumerate(found[1:], 1):
        callers = data.draw(st.sets(st.sampled_from(found[:position]), min_size=1))
        for caller in callers:
            children[caller].append(name)
    tree = {n: unit(n, tuple(children[n])) for n in found}
    tree[found[0]]["args"] = args
    content = {"implementation": {"root": found[0], "units": tree}}
    (tmp_path / "a" / "d").mkdir(parents=True)
    (tmp_path / "a" / "d" / "implementation.json").write_text(json.dumps(content))
    first = the_one(tmp_path / "a", tmp_path / "b")
    assert first.error == ""
    design = load_seed(str(tmp_path / "b" / "d"))
    assert design.operator is Operator.SEED
    export_designs(Population([design]), ["d"], tmp_path / "c", Form.ORIGINAL)
    the_one(tmp_path / "c", tmp_path / "e")
    again = load_seed(str(tmp_path / "e" / "d"))
    assert again.structural_hash == design.structural_hash


def test_a_folder_that_is_not_whole(tmp_path: Path) -> None:
    export_designs(Population(seeds()[:1]), [seed_names()[0]], tmp_path / "out", Form.FOLDERS)
    home = tmp_path / "out" / seed_names()[0]
    text = (home / "design.yaml").read_text()
    unit_file = next((home / "units").glob("*.py"))
    for file, content, message in (
        ("design.yaml", text + "more: &a [1]\nagain: *a\n", "aliases"),
        ("design.yaml", "name: x\nroot: [", "is no YAML"),
        ("design.yaml", text.replace("root:", "stem:"), "root"),
        ("proposal.md", "# Why", ""),
        ("design.yaml", text + "parents: 7\n", "parents"),
        ("design.yaml", text + "operator: bake\n", "operator"),
        (f"units/{unit_file.name}", "# GAU_IMPLEMENTATION_FILE\ndef", "syntax error"),
    ):
        (home / file).write_text(content)
        found = the_one(home, tmp_path / "back" / file.replace("/", "-") / str(len(content)))
        assert message in found.error, found
        if file.startswith("design"):
            (home / file).write_text(text)
    unit_file.unlink()
    unit_file.symlink_to("/dev/zero")
    assert "symbolic link" in the_one(home, tmp_path / "back").error


def test_an_export_is_whole_or_absent(seed: Design, tmp_path: Path) -> None:
    population = Population([seed])
    with pytest.raises(UnknownNameError, match="Did you mean 'gpt2'"):
        export_designs(population, ["gpt3"], tmp_path / "out", Form.FOLDERS)
    assert not (tmp_path / "out").exists()
    broken = seed.model_copy(update={"name": "broken", "root": "Gone"})
    with pytest.raises(Exception, match="Gone"):
        export_designs(Population([seed, broken]), ["gpt2", "broken"], tmp_path / "o", Form.FOLDERS)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("my life's work")
    with pytest.raises(StoreError, match="is not empty"):
        export_designs(population, ["gpt2"], tmp_path / "full", Form.FOLDERS)
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="Cannot write to"):
        export_designs(population, ["gpt2"], tmp_path / "file" / "out", Form.FOLDERS)
