"""Hands lm-eval tasks whose items lie in JSON lines files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from datasets import Dataset, DatasetDict

from genesys_verifiers.tasks.generate import HELD_OUT

PREFIX = "genesys_"


def task_config(items: Path, task: str) -> dict[str, Any]:
    """What lm-eval's YAML would say of a task.

    Args:
        items: Folder of the files.
        task: Name of the file: of held-out texts, or of items with a context, choices and the label
            of the right one.
    """
    return {
        "task": PREFIX + task,
        "custom_dataset": load,
        "dataset_kwargs": {"file": str(items / f"{task}.jsonl")},
        "validation_split": "validation",
        "num_fewshot": 0,
        **(TEXTS if task == HELD_OUT else CHOICES),
    }


def load(file: str, **_: Any) -> DatasetDict:
    """Rows of one file, as lm-eval asks for them."""
    lines = Path(file).read_text(encoding="utf-8").splitlines()
    return DatasetDict(validation=Dataset.from_list([json.loads(line) for line in lines]))


# Pick the likeliest of some continuations of one context.
CHOICES = {
    "output_type": "multiple_choice",
    "doc_to_text": "context",
    "doc_to_choice": "choices",
    "doc_to_target": "label",
    "target_delimiter": "",
    "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
}
# Loss per byte, so that tokenizers can be compared.
TEXTS = {
    "output_type": "loglikelihood_rolling",
    "doc_to_text": "",
    "doc_to_target": "text",
    "metric_list": [{"metric": "bits_per_byte"}],
}
