"""Tasks from the data of BIG-bench, which has to be fetched once: 358 MB from PyPI.

    python -m genesys_verifiers.tasks.bigbench

The data may be evaluated on and never trained on: its canary string lies beside the items.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from genesys.errors import GenesysError
from genesys.files import sha256_of
from genesys.resources import cache_root

PACKAGE, SHA256 = (
    "bigbench==1.0.0",
    "1bb398a5512c6d798cdebe0dfa0ac03f67f6033fa6b39c6ef71df978c7cbc5c2",
)
# Later ones refuse what the package's own setup declares, also when nothing of it is installed.
PIP = "pip==25.0.1"
FOLDER = "bigbench/benchmark_tasks"
FILES = {
    "verb_simple": "subject_verb_agreement/simple_english",
    "verb_after_noun": "subject_verb_agreement/nounpp_english",
    "verb_after_name": "subject_verb_agreement/namepp_english",
    "verb_after_adverbs": "subject_verb_agreement/adv_adv_english",
    "verb_nested": "subject_verb_agreement/long_nested_inner_english",
    "verb_around_nested": "subject_verb_agreement/long_nested_outer_english",
    "verb_in_text": "subject_verb_agreement/linzen2016_english",
    "verb_in_nonsense": "subject_verb_agreement/gulordava_nonce_english",
    "goal_of_step": "goal_step_wikihow/goal_inference/task",
    "step_of_goal": "goal_step_wikihow/step_inference/task",
    "order_of_steps": "goal_step_wikihow/step_ordering/task",
    "social_reason": "social_iqa/task",
}


def folder() -> Path:
    """Folder of the items, one JSON lines file per task.

    Raises:
        GenesysError: They have not been fetched.
    """
    path = _place()
    if not path.is_dir():
        raise GenesysError(
            "tasks=bigbench needs data that is fetched once (358 MB from PyPI): run "
            "'python -m genesys_verifiers.tasks.bigbench'. tasks=local needs nothing."
        )
    return path


def fetch() -> Path:
    """Fetch the package with pip, unless it was before, and lay out its items.

    Returns:
        Folder of the items.

    Raises:
        GenesysError: It cannot be fetched or is not what it was, or the cache cannot be written.
    """
    path = _place()
    if path.is_dir():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
            unpack(_download(Path(scratch)), SHA256, Path(scratch) / "items")
            (Path(scratch) / "items").rename(path)
    except OSError as error:
        raise GenesysError(f"Cannot write {path}: {error}. GENESYS_CACHE names another.") from error
    return path


def unpack(archive: Path, sha256: str, items: Path) -> None:
    """Write the items of all tasks of a package into a new folder.

    Raises:
        GenesysError: The archive has another hash.
    """
    if sha256_of(archive) != sha256:
        raise GenesysError(f"{archive.name} is not the file that is known: its hash differs.")
    items.mkdir()
    tasks = {f"{FOLDER}/{file}.json": task for task, file in FILES.items()}
    with tarfile.open(archive) as content:
        for member in content:
            task = tasks.get(member.name.partition("/")[2])
            if task and (content_of := content.extractfile(member)):
                _write(items, task, content_of)


def _write(items: Path, task: str, file: IO[bytes]) -> None:
    data = json.load(file)
    lines = [json.dumps(row, ensure_ascii=False) for row in _rows(data["examples"])]
    (items / f"{task}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (items / "CANARY.txt").write_text(data["canary"] + "\n", encoding="utf-8")


def _rows(examples: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Items with one right choice, which stands in each place equally often."""
    scored = [example["target_scores"] for example in examples]
    for index, (example, scores) in enumerate(zip(examples, scored, strict=True)):
        right = [choice for choice, score in scores.items() if score == 1]
        if len(right) == 1:
            choices = [f" {choice}" for choice in scores if choice != right[0]]
            label = index % len(scores)
            choices.insert(label, f" {right[0]}")
            yield {"context": example["input"].rstrip(), "choices": choices, "label": label}


def _download(scratch: Path) -> Path:
    wanted = scratch / "wanted.txt"
    wanted.write_text(f"{PACKAGE} --hash=sha256:{SHA256}\n", encoding="utf-8")
    _pip("install", "--target", str(scratch / "pip"), PIP)
    source = ["--no-deps", "--no-binary", ":all:", "--no-cache-dir", "--require-hashes"]
    _pip("download", *source, "-d", str(scratch), "-r", str(wanted), path=scratch / "pip")
    return next(scratch.glob("*.tar.gz"))


def _pip(*arguments: str, path: Path | None = None) -> None:
    environment = os.environ | ({"PYTHONPATH": str(path)} if path else {})
    command = [sys.executable, "-m", "pip", "--quiet", *arguments]
    done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        told = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise GenesysError(f"pip cannot fetch {PACKAGE}: {told[0]}")


def _place() -> Path:
    return cache_root() / "tasks" / PACKAGE.replace("==", "-")


if __name__ == "__main__":
    print(fetch())
