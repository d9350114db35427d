"""The evolution tree on disk: commits, resumption, and what it refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from genesys.errors import RunLockedError, StoreError
from genesys.population.evolution_tree import EvolutionTree, tree_digest
from genesys.population.population import Population
from genesys.records import Design, Efficiency, Session, VerificationReport
from genesys.tape import Call, Message

CONFIG = {"evolution": {"seed": 1, "seeds": ["gpt2"]}, "selector": {"name": "random"}}


@pytest.fixture
def folder(tmp_path: Path, seed: Design) -> Path:
    """A run folder with one seed."""
    with EvolutionTree(tmp_path / "run", CONFIG) as tree:
        tree.add_seed(seed)
    return tmp_path / "run"


def test_what_is_committed_is_there_again(
    folder: Path, child: Design, session: Callable[..., Session]
) -> None:
    report = VerificationReport(design="kid", scale="0.1M", tokens=7)
    with EvolutionTree(folder, CONFIG) as tree:
        tree.commit_session(session(0), None)
        tree.commit_session(session(1, "kid"), child)
        tree.commit_report(report)
        before = tree.population()
    with EvolutionTree(folder, CONFIG) as tree:
        after = tree.population()
    for population in (before, after, EvolutionTree.read(folder)):
        assert [design.name for design in population.designs] == ["gpt2", "kid"]
        assert population.design("kid") == child
        assert population.sessions == (session(0), session(1, "kid"))
        assert population.reports == (report,)
        assert tree_digest(population) == tree_digest(before)


def test_a_design_without_its_session_was_never_made(
    folder: Path, child: Design, session: Callable[..., Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = EvolutionTree(folder, CONFIG)
    with pytest.raises(StoreError, match="gone"), tree:
        monkeypatch.setattr(tree._session_table, "append", _fail)
        tree.commit_session(session(0, "kid"), child)
    assert [design.name for design in EvolutionTree.read(folder).designs] == ["gpt2"]
    with EvolutionTree(folder, CONFIG) as tree:
        assert [design.name for design in tree.population().designs] == ["gpt2"]
        tree.commit_session(session(0, "kid"), child)
    assert [design.name for design in EvolutionTree.read(folder).designs] == ["gpt2", "kid"]


def _fail(record: object) -> None:
    raise OSError("the disk is gone")


def test_two_processes_on_one_folder(folder: Path, tmp_path: Path) -> None:
    code = (
        "import json, sys\nfrom pathlib import Path\n"
        "from genesys.population.evolution_tree import EvolutionTree\n"
        f"with EvolutionTree(Path({str(folder)!r}), {CONFIG!r}):\n"
        "    print('open', flush=True); sys.stdin.read()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(RunLockedError, match=f"process {holder.pid} on ") as caught:
            EvolutionTree(folder, CONFIG).__enter__()
        assert str(folder) in str(caught.value)
        assert len(EvolutionTree.read(folder).designs) == 1
        holder.communicate()
    with EvolutionTree(folder, CONFIG):
        pass


def test_the_lock_is_free_after_a_failure(folder: Path) -> None:
    with pytest.raises(StoreError):
        EvolutionTree(folder, {}).__enter__()
    with EvolutionTree(folder, CONFIG):
        pass


def test_another_version(folder: Path) -> None:
    data = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(
        json.dumps({"format": 99, "genesys": "7.1", "novel": True, "config": data["config"]})
    )
    for attempt in (
        lambda: EvolutionTree(folder, CONFIG).__enter__(),
        lambda: EvolutionTree.read(folder),
    ):
        with pytest.raises(
            StoreError, match=r"written by genesys 7\.1 in format 99.*another folder"
        ):
            attempt()


def test_another_config(folder: Path) -> None:
    other = {"evolution": {"seed": 2, "seeds": ["gpt2"]}, "agent": {"name": "x"}}
    with pytest.raises(StoreError) as caught:
        EvolutionTree(folder, other).__enter__()
    message = str(caught.value)
    assert "evolution.seed: 1 in the run, 2 now" in message
    assert 'agent.name: absent in the run, "x" now' in message
    assert 'selector.name: "random" in the run, absent now' in message
    assert "seeds" not in message


def test_a_config_that_nothing_came_of_may_change(tmp_path: Path, seed: Design) -> None:
    with EvolutionTree(tmp_path / "run", {"evolution": {"seeds": ["typo"]}}):
        pass
    with EvolutionTree(tmp_path / "run", CONFIG) as tree:
        tree.add_seed(seed)
    with EvolutionTree(tmp_path / "run", CONFIG) as tree:
        assert [design.name for design in tree.population().designs] == ["gpt2"]


def test_text_that_is_no_unicode(folder: Path) -> None:
    report = VerificationReport(design="gpt2", scale="0.1M")
    hostile = report.model_copy(update={"error": "ValueError: \ud800"})  # as raised by a unit
    with EvolutionTree(folder, CONFIG) as tree:
        tree.commit_report(hostile)
        assert [r.error for r in tree.population().reports] == ["ValueError: ?"]
    assert [r.error for r in EvolutionTree.read(folder).reports] == ["ValueError: ?"]


def test_an_integer_that_no_table_holds() -> None:
    with pytest.raises(ValueError, match="64 bits"):
        VerificationReport(design="gpt2", scale="0.1M", parameters=2**63)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 1}', '{"config": {}}'])
def test_a_damaged_run_file(folder: Path, content: str) -> None:
    (folder / "run.json").write_text(content)
    with pytest.raises(StoreError, match="damaged"):
        EvolutionTree(folder, CONFIG).__enter__()


def test_a_damaged_table(folder: Path) -> None:
    for path in (folder / "tree" / "designs.lance").rglob("*"):
        if path.is_file():
            path.write_bytes(b"nothing")
    with pytest.raises(StoreError, match="Cannot open the run folder"):
        EvolutionTree(folder, CONFIG).__enter__()


def test_a_folder_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("my life's work")
    with pytest.raises(StoreError, match=r"no run folder and not empty \(thesis\.tex\)"):
        EvolutionTree(tmp_path, CONFIG).__enter__()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    assert (tmp_path / "thesis.tex").read_text() == "my life's work"
    with pytest.raises(StoreError, match="no run folder"):
        EvolutionTree.read(tmp_path)
    with pytest.raises(StoreError, match="no run folder"):
        EvolutionTree.read(tmp_path / "nowhere")


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="Cannot open the run folder"):
        EvolutionTree(tmp_path / "file" / "run", CONFIG).__enter__()


@pytest.mark.skipif(os.getuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_that_may_not_be_written(folder: Path) -> None:
    folder.chmod(0o500)
    try:
        with pytest.raises(StoreError, match="Permission denied"):
            EvolutionTree(folder, CONFIG).__enter__()
    finally:
        folder.chmod(0o700)


def test_the_digest_sees_everything_but_time(session: Callable[..., Session]) -> None:
    plain = Population(sessions=[session(0)], reports=[VerificationReport(design="a", scale="s")])
    slow = Population(
        sessions=[session(0, seconds=9.0)],
        reports=[
            VerificationReport(
                design="a",
                scale="s",
                seconds=9.0,
                tokens_per_second=1.0,
                efficiency=[Efficiency(design="a", length=8, rows=1, train_memory_mb=5.0)],
            )
        ],
    )
    other = Population(
        sessions=[session(0)], reports=[VerificationReport(design="a", scale="s", tokens=1)]
    )
    assert tree_digest(plain) == tree_digest(slow) != tree_digest(other)


def test_a_read_of_the_tree_needs_no_heavy_module() -> None:
    code = (
        "import sys, genesys.population.evolution_tree, genesys.evolution.coordinator\n"
        "heavy = {'torch', 'lightning', 'litellm', 'lancedb', 'pyarrow'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_tape_of_an_unfinished_session_is_there_again(
    folder: Path, session: Callable[..., Session]
) -> None:
    def call(index: int, usd: float) -> Call:
        message = Message(author="user", text=f"of {index}")
        return Call(session=index, role="coder", purpose="", model="m", messages=[message], usd=usd)

    with EvolutionTree(folder, CONFIG) as tree:
        tree.tape(0).keep(call(0, 0.5))
        tree.commit_session(session(0), None)
        tape = tree.tape(1)
        tape.keep(call(1, 0.25))
        assert tape.answer("check", "a", int, lambda: 5) == 5
        assert tape.usd_of_run == 0.75
    with EvolutionTree(folder, CONFIG) as tree:
        tape = tree.tape(1)
        assert (tape.usd, tape.usd_of_run) == (0.25, 0.75)
        assert tape.recall(call(0, 0)) is None
        assert tape.recall(call(1, 0)) == call(1, 0.25)
        assert tape.answer("check", "a", int, lambda: 6) == 5
    calls, answers = EvolutionTree.read_tape(folder)
    assert [kept.session for kept in calls] == [0, 1]
    assert [(kept.kind, kept.json_value) for kept in answers] == [("check", "5")]
