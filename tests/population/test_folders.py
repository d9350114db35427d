"""The folders that a person opens."""

from __future__ import annotations

import shutil
from pathlib import Path

from genesys.gau.folder import load_tree, read_design_file
from genesys.gau.parse import parse_block
from genesys.gau.tree import GAUTree
from genesys.population.folders import DesignFolders, export_design
from genesys.population.population import Population
from genesys.records import Design, Outcome, Reference, VerificationReport


def test_a_design_folder_says_everything(tmp_path: Path, child: Design) -> None:
    DesignFolders(tmp_path).write_design(child)
    home = tmp_path / "kid"
    names = {p.relative_to(home).as_posix() for p in home.rglob("*") if p.is_file()}
    units = {f"units/{unit.name}.py" for unit in child.units}
    assert names == units | {"design.yaml", "gab.py", "proposal.md", "review.md"}
    assert (home / "proposal.md").read_text() == "# Kid\n"
    assert (home / "review.md").read_text().startswith("Rating: 4.5 of 5")
    assert parse_block((home / "gab.py").read_text()) == GAUTree.of(child)


def test_a_proposal_lists_what_it_relies_on(tmp_path: Path, child: Design) -> None:
    assert child.proposal is not None
    known = Reference(id="library:gla", title="Gates", url="https://a.b/c")
    proposal = child.proposal.model_copy(update={"references": [known]})
    DesignFolders(tmp_path).write_design(child.model_copy(update={"proposal": proposal}))
    text = (tmp_path / "kid" / "proposal.md").read_text()
    assert text == "# Kid\n\n## Sources\n\n- [library:gla] Gates <https://a.b/c>\n"


def test_an_exported_design_can_be_a_seed(tmp_path: Path, child: Design) -> None:
    export_design(child, tmp_path)
    about = read_design_file(tmp_path)
    assert (about["name"], about["parents"]) == ("kid", list(child.parents))
    assert about["title"] == child.proposal.abstract
    assert load_tree(tmp_path).as_design("kid").structural_hash == child.structural_hash


def test_a_draft_left_by_a_killed_process_is_replaced(tmp_path: Path, seed: Design) -> None:
    (tmp_path / ".gpt2.tmp" / "units").mkdir(parents=True)
    (tmp_path / ".gpt2.tmp" / "units" / "Half.py").write_text("cla")
    DesignFolders(tmp_path).write_design(seed)
    assert [p.name for p in tmp_path.iterdir()] == ["gpt2"]
    assert not (tmp_path / "gpt2" / "units" / "Half.py").exists()


def test_whatever_is_missing_is_written_again(tmp_path: Path, seed: Design, child: Design) -> None:
    reports = [
        VerificationReport(design="kid", scale="0.1M", outcome=Outcome.MACHINE_ERROR),
        VerificationReport(design="kid", scale="0.1M", tokens=5),
        VerificationReport(design="gpt2", scale="0.3M"),
    ]
    folders = DesignFolders(tmp_path)
    population = Population([seed, child], reports)
    folders.restore(population)
    written = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    assert b'"tokens": 5' in written[tmp_path / "kid" / "reports" / "0.1M.json"]
    shutil.rmtree(tmp_path / "gpt2")
    (tmp_path / "kid" / "reports" / "0.1M.json").unlink()
    folders.restore(population, reports[1:2])
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == written
