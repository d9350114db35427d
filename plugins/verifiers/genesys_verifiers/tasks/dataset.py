"""Hands lm-eval the items of a task from the corpus."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from datasets import Dataset, DatasetDict


def load(folder: str, task: str, **_: Any) -> DatasetDict:
    """Rows of one task, as its YAML's ``custom_dataset``.

    Args:
        folder: Of the corpus' items; comes through the task manager's metadata.
        task: Name of the task; comes from its YAML.
    """
    lines = (Path(folder) / f"{task}.jsonl").read_text(encoding="utf-8").splitlines()
    return DatasetDict(validation=Dataset.from_list([json.loads(line) for line in lines]))
