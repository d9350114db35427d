"""Gets lm-eval to load the tasks of a set."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import lm_eval.tasks
from lm_eval.api.task import Task
from lm_eval.tasks import TaskManager

from genesys.errors import ConfigError, GenesysError
from genesys.text import one_line
from genesys_verifiers.tasks import bigbench
from genesys_verifiers.tasks.config import TaskSet
from genesys_verifiers.tasks.dataset import task_config

INSTALLED = Path(lm_eval.tasks.__file__).parent
Tasks = dict[str, list[Task]]
Spec = str | dict[str, Any]


def load(wanted: TaskSet, items: Path) -> Tasks:
    """The lm-eval tasks that each name of a set stands for.

    Args:
        wanted: The set.
        items: Folder of the corpus' items.

    Raises:
        ConfigError: There is no such task, or its YAML file is wrong.
        GenesysError: Items have not been fetched, or the hub does not answer.
    """
    match wanted.source:
        case "corpus":
            return _from_items(wanted, items)
        case "bigbench":
            return _from_items(wanted, bigbench.folder())
        case "lm-eval":
            return _from_yaml(wanted, INSTALLED)
    return _from_yaml(wanted, Path(wanted.source).expanduser())


def _from_items(wanted: TaskSet, items: Path) -> Tasks:
    """Tasks of our own, one per file of items."""
    manager = TaskManager(include_defaults=False)
    there = sorted(path.stem for path in items.glob("*.jsonl"))
    names = wanted.tasks or there
    _check(names, there, wanted)
    return {name: _load(manager, task_config(items, name), name, wanted) for name in names}


def _from_yaml(wanted: TaskSet, root: Path) -> Tasks:
    if not root.is_dir():
        raise ConfigError(
            f"tasks.source: there is no folder {wanted.source!r}. It is 'corpus', 'lm-eval', "
            "'bigbench' or a folder of lm-eval YAML files."
        )
    folders = {name.rpartition("/")[0] for name in wanted.tasks or [""]}
    paths = [str(root / folder) for folder in sorted(folders)]
    manager = TaskManager(include_path=paths, include_defaults=False)
    names = [name.rpartition("/")[2] for name in wanted.tasks or manager.all_subtasks]
    _check(names, manager.all_tasks, wanted)
    return {name: _load(manager, name, name, wanted) for name in names}


def _check(names: Sequence[str], there: Sequence[str], wanted: TaskSet) -> None:
    for name in names:
        if name not in there:
            near = get_close_matches(name, there, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ConfigError(f"Task set {wanted.name!r} has no task {name!r}.{hint}")
    if not names:
        raise ConfigError(f"Task set {wanted.name!r} has no tasks in {wanted.source!r}.")


def _load(manager: TaskManager, spec: Spec, name: str, wanted: TaskSet) -> list[Task]:
    try:
        return list(manager.load([spec])["tasks"].values())
    except (ConnectionError, TimeoutError) as error:
        raise GenesysError(
            f"Task {name!r} of task set {wanted.name!r} is read from the hub, which does not "
            f"answer ({one_line(str(error), 200)}). tasks=local needs no network."
        ) from error
    except Exception as error:
        told = one_line(f"{type(error).__name__}: {error}", 300)
        raise ConfigError(f"Task {name!r} of set {wanted.name!r} is wrong: {told}") from error
