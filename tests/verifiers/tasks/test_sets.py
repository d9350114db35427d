from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from hashlib import sha256
from pathlib import Path

import pytest
import yaml

from genesys.errors import ConfigError, GenesysError
from genesys.records import Design, Outcome, Scale
from genesys.resources import resource
from genesys.sandbox import Sandbox
from genesys_verifiers.corpus import Corpus
from genesys_verifiers.evaluation.evaluate import Evaluator
from genesys_verifiers.lightning import LightningVerifier
from genesys_verifiers.tasks import bigbench
from genesys_verifiers.tasks.config import TaskSet

from ..answers import Constant
from ..conftest import TINY

QUESTION = {
    "output_type": "multiple_choice",
    "dataset_path": "json",
    "validation_split": "validation",
    "doc_to_text": "{{question}}",
    "doc_to_choice": "{{answers}}",
    "doc_to_target": "{{right}}",
    "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
}


@pytest.fixture
def datasets_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "datasets")
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    monkeypatch.setenv("GENESYS_CACHE", str(tmp_path / "cache"))


def folder(path: Path, **tasks: dict[str, object]) -> str:
    """A folder with the YAML of these tasks, which differ from QUESTION in some keys."""
    rows = [{"question": f"{i} is", "answers": ["odd", "even"], "right": i % 2} for i in range(40)]
    path.mkdir()
    file = path / "items.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    for name, keys in tasks.items():
        data = {"dataset_kwargs": {"data_files": {"validation": str(file)}}, "task": name}
        (path / f"{name}.yaml").write_text(yaml.safe_dump(QUESTION | data | keys))
    return str(path)


def evaluator(corpus: Corpus, source: str, tasks: list[str] | None = None) -> Evaluator:
    return Evaluator(corpus, 64, TaskSet(name="own", source=source, tasks=tasks))


@pytest.mark.usefixtures("datasets_cache")
def test_tasks_of_ones_own_folder_are_scored(corpus: Corpus, tmp_path: Path) -> None:
    three = {"doc_to_choice": ["odd", "even", "neither"]}
    own = folder(tmp_path / "own", parity={}, three=three, other={})
    scores, _ = evaluator(corpus, own, ["parity", "three"])(Constant())
    assert [(s.task, s.metric) for s in scores] == [("parity", "acc"), ("three", "acc")]
    assert [s.chance for s in scores] == pytest.approx([1 / 2, 1 / 3])


@pytest.mark.usefixtures("datasets_cache")
def test_a_model_without_opinion_is_at_chance_where_the_first_choice_is_right(
    corpus: Corpus, tmp_path: Path
) -> None:
    first = {"doc_to_target": 0, "doc_to_choice": ["left", "left"]}
    (score,) = evaluator(corpus, folder(tmp_path / "own", first=first))(Constant())[0]
    assert abs(score.value - 0.5) < 0.3


@pytest.mark.usefixtures("datasets_cache")
def test_a_group_gives_one_score(corpus: Corpus, tmp_path: Path) -> None:
    own = folder(tmp_path / "own", one={}, other={"doc_to_choice": ["odd", "even", "neither"]})
    (tmp_path / "own" / "both.yaml").write_text(
        yaml.safe_dump({"group": "both", "task": ["one", "other"]})
    )
    (score,) = evaluator(corpus, own, ["both"])(Constant())[0]
    assert score.task == "both"
    assert score.chance == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert score.stderr is not None and 0 < score.stderr < 0.1


@pytest.mark.usefixtures("datasets_cache")
@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"output_type": "generate_until"}, "'wrong'.*likelihood only"),
        ({"dataset_kwargs": {"data_files": {"validation": "/none.jsonl"}}}, "'wrong'.*is wrong"),
        ({"doc_to_choice": "{{nothing}}"}, "'wrong'.*is wrong"),
        ({"metric_list": [{"metric": "nonesuch"}]}, "'wrong'.*is wrong"),
        ({"dataset_path": "nobody/nothing", "dataset_kwargs": None}, "hub.*tasks=local"),
    ],
)
def test_a_task_that_cannot_be_put_is_named(
    corpus: Corpus, tmp_path: Path, keys: dict[str, object], message: str
) -> None:
    with pytest.raises(GenesysError, match=message):
        evaluator(corpus, folder(tmp_path / "own", wrong=keys))


@pytest.mark.usefixtures("datasets_cache")
@pytest.mark.parametrize(
    ("source", "tasks", "message"),
    [
        ("/no/such/folder", None, "'/no/such/folder'.*lm-eval"),
        ("lm-eval", ["glue/colla"], "'colla'. Did you mean 'cola'"),
        ("corpus", ["recal"], "'recal'. Did you mean 'recall'"),
        ("lm-eval", ["glue/cola"], "'cola'.*hub.*tasks=local needs no network"),
    ],
)
def test_a_wrong_set_is_explained(
    corpus: Corpus, source: str, tasks: list[str] | None, message: str
) -> None:
    with pytest.raises(GenesysError, match=message):
        evaluator(corpus, source, tasks)


@pytest.mark.parametrize("name", ["paper9", "paper29"])
def test_lm_eval_has_the_papers_tasks(name: str) -> None:
    from lm_eval.tasks import TaskManager

    from genesys_verifiers.tasks.sets import INSTALLED

    wanted = TaskSet(**yaml.safe_load((resource("configs") / f"tasks/{name}.yaml").read_text()))
    assert wanted.tasks
    folders = {task.split("/")[0] for task in wanted.tasks}
    paths = [str(INSTALLED / folder) for folder in folders]
    there = set(TaskManager(include_path=paths, include_defaults=False).all_tasks)
    assert {task.split("/")[1] for task in wanted.tasks} <= there


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ({"sauce": "corpus"}, "sauce"),
        ({"overlap": "ignore"}, "overlap"),
        ({"tasks": "one"}, "tasks"),
    ],
)
def test_the_verifier_refuses_a_wrong_config(tasks: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        LightningVerifier(corpus=TINY.model_dump(), tasks=tasks)


@pytest.mark.usefixtures("datasets_cache")
def test_a_hub_that_does_not_answer_is_no_designs_fault(
    corpus: Corpus, gpt2: Design, scale: Scale, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENESYS_CACHE", str(corpus.folder.parents[1]))
    wanted = {"name": "paper9", "source": "lm-eval", "tasks": ["glue/wnli"]}
    verifier = LightningVerifier(
        corpus=TINY.model_dump(), tasks=wanted, batch_size=4, threads=1, memory_mb=1024
    )
    with pytest.raises(GenesysError, match=r"'wnli' of task set 'paper9'.*tasks=local"):
        verifier.verify(gpt2, scale, 0, sandbox, lambda point: None)


def test_a_set_is_light_to_read() -> None:
    code = (
        "import sys; from genesys_verifiers.tasks.config import TaskSet; TaskSet();"
        "sys.exit(bool({'lm_eval', 'datasets', 'torch'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_bigbench_says_how_to_fetch_it(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENESYS_CACHE", str(tmp_path))
    with pytest.raises(GenesysError, match=r"python -m genesys_verifiers\.tasks\.bigbench"):
        evaluator(corpus, "bigbench")


def package(path: Path) -> tuple[Path, str]:
    """An archive in the form of the real one."""
    scores = [{"is": 1, "are": 0}, {"is": 0, "are": 1}] * 10
    examples = [{"input": f"Word {i} ", "target_scores": s} for i, s in enumerate(scores)]
    examples.append({"input": "Both ", "target_scores": {"is": 1, "are": 1}})
    content = json.dumps({"canary": "never train on this", "examples": examples}).encode()
    with tarfile.open(path, "w:gz") as archive:
        for task in bigbench.FILES.values():
            member = tarfile.TarInfo(f"bigbench-1.0.0/{bigbench.FOLDER}/{task}.json")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path, sha256(path.read_bytes()).hexdigest()


def test_bigbench_is_unpacked_and_scored(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENESYS_CACHE", str(tmp_path))
    items = tmp_path / "tasks" / "bigbench-1.0.0"
    items.parent.mkdir()
    bigbench.unpack(*package(tmp_path / "b.tar.gz"), items)
    scores, _ = evaluator(corpus, "bigbench")(Constant())
    assert {s.task for s in scores} == set(bigbench.FILES)
    rows = [json.loads(line) for line in (items / "verb_simple.jsonl").read_text().splitlines()]
    assert len(rows) == 20  # without the one that has two right answers
    assert [row["label"] for row in rows] == [0, 1] * 10
    assert {row["choices"][row["label"]] for row in rows[:2]} == {" is", " are"}
    assert (items / "CANARY.txt").read_text() == "never train on this\n"


def test_another_archive_is_refused(tmp_path: Path) -> None:
    path, _ = package(tmp_path / "b.tar.gz")
    with pytest.raises(GenesysError, match="hash differs"):
        bigbench.unpack(path, bigbench.SHA256, tmp_path / "items")
    assert not (tmp_path / "items").exists()


def test_a_design_is_verified_on_another_set(
    corpus: Corpus,
    gpt2: Design,
    scale: Scale,
    sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bigbench.unpack(*package(tmp_path / "b.tar.gz"), tmp_path / "items")
    monkeypatch.setattr(bigbench, "folder", lambda: tmp_path / "items")
    monkeypatch.setenv("GENESYS_CACHE", str(corpus.folder.parents[1]))
    tasks = {"source": "bigbench", "tasks": ["verb_simple", "verb_nested"]}
    verifier = LightningVerifier(
        corpus=TINY.model_dump(), tasks=tasks, batch_size=4, threads=1, memory_mb=1024
    )
    report = verifier.verify(gpt2, scale, 0, sandbox, lambda point: None)
    assert (report.outcome, report.error) == (Outcome.OK, "")
    assert [s.task for s in report.scores] == ["verb_simple", "verb_nested"]
    assert all(s.untrained is not None and s.stderr and s.chance == 0.5 for s in report.scores)
    assert report.fitness == pytest.approx(sum(s.value for s in report.scores) / 2)
