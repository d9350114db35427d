"""Which tasks a verification evaluates on, and how lm-eval gets at them."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Literal

import lm_eval.tasks
from lm_eval.api.task import Task
from lm_eval.tasks import TaskManager
from pydantic import BaseModel, ConfigDict

from genesys.errors import ConfigError, GenesysError
from genesys.text import one_line
from genesys_verifiers.tasks import bigbench

YAML_FOLDER = Path(__file__).parent / "yaml"
INSTALLED = Path(lm_eval.tasks.__file__).parent
PREFIX = "genesys_"
TWO_WAY = str(YAML_FOLDER / "_two_way")
Tasks = dict[str, list[Task]]


class TaskSet(BaseModel):
    """A config of group ``tasks``.

    Attributes:
        name: Of the set.
        source: Where its tasks are from: ``corpus`` (made of held-out text), ``lm-eval`` (those it
            has installed; their items come from the hub), ``bigbench`` (items fetched before), or a
            folder of lm-eval YAML files.
        tasks: Names of tasks, groups or tags; None for all there are. ``FOLDER/NAME`` names the
            folder of ``source`` that has the YAML file, so that no other is read.
        overlap: What to do with items that occur in the training text.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str = "local"
    source: str = "corpus"
    tasks: list[str] | None = None
    overlap: Literal["warn", "drop"] = "warn"

    def load(self, items: Path) -> Tasks:
        """The lm-eval tasks that each name stands for.

        Args:
            items: Folder of the corpus' items.

        Raises:
            ConfigError: There is no such task, or its YAML file is wrong.
            GenesysError: Items have not been fetched, or the hub does not answer.
        """
        match self.source:
            case "corpus":
                return self._own(items)
            case "bigbench":
                return self._own(bigbench.folder())
            case "lm-eval":
                return self._yaml(INSTALLED)
        return self._yaml(Path(self.source).expanduser())

    def _own(self, items: Path) -> Tasks:
        """Two-way tasks, and held-out text, from files of items."""
        manager = TaskManager(
            include_path=str(YAML_FOLDER), include_defaults=False, metadata={"folder": str(items)}
        )
        there = sorted(path.stem for path in items.glob("*.jsonl"))
        return {name: self._load(manager, PREFIX + name, there) for name in self.tasks or there}

    def _yaml(self, root: Path) -> Tasks:
        if not root.is_dir():
            raise ConfigError(
                f"tasks.source: there is no folder {str(self.source)!r}. It is 'corpus', "
                "'lm-eval', 'bigbench' or a folder of lm-eval YAML files."
            )
        folders = {name.rpartition("/")[0] for name in self.tasks or [""]}
        paths = [str(root / folder) for folder in sorted(folders)]
        manager = TaskManager(include_path=paths, include_defaults=False)
        names = [name.rpartition("/")[2] for name in self.tasks or manager.all_subtasks]
        return {name: self._load(manager, name, manager.all_tasks) for name in names}

    def _load(self, manager: TaskManager, name: str, there: list[str]) -> list[Task]:
        if name not in manager.all_tasks:
            near = get_close_matches(name, there, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ConfigError(f"Task set {self.name!r} has no task {name!r}.{hint}")
        try:
            return list(manager.load([name])["tasks"].values())
        except (ConnectionError, TimeoutError) as error:
            raise GenesysError(
                f"Task {name!r} of task set {self.name!r} is read from the hub, which does not "
                f"answer ({one_line(str(error), 200)}). tasks=local needs no network."
            ) from error
        except Exception as error:
            told = one_line(f"{type(error).__name__}: {error}", 300)
            raise ConfigError(
                f"Task {name!r} of task set {self.name!r} is wrong: {told}"
            ) from error
