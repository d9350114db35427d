"""Jobs of one command, each perhaps in a process or on a machine of its own."""

from __future__ import annotations

import hashlib
import io
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TextIO
from uuid import uuid4

from omegaconf import OmegaConf

from genesys.errors import MissingExtraError
from genesys.files import write_text

# What decides no result: how far a run goes, where it lies and what it runs on.
UNNAMED = ("name", "folder", "sweep", "generations", "budget", "executor", "logger", "sandbox")
LONGEST = 200  # characters of a folder's name
# Hydra's launchers: the distribution that brings each, and our extra with it.
LAUNCHERS = {
    "joblib": ("hydra-joblib-launcher", "joblib"),
    "ray": ("hydra-ray-launcher", "ray"),
    "submitit_local": ("hydra-submitit-launcher", "slurm"),
    "submitit_slurm": ("hydra-submitit-launcher", "slurm"),
}


def require_launcher(arguments: Iterable[str]) -> None:
    """Make sure that the launcher that a command line asks for is installed.

    Raises:
        MissingExtraError: It is one that an extra brings, and is not.
    """
    for argument in arguments:
        key, _, launcher = argument.partition("=")
        if key.lstrip("+") == "hydra/launcher" and launcher in LAUNCHERS:
            package, extra = LAUNCHERS[launcher]
            try:
                distribution(package)
            except PackageNotFoundError:
                raise MissingExtraError(f"hydra/launcher={launcher}", extra) from None


def run_name(overrides: Sequence[str]) -> str:
    """The folder of a job, by the overrides that decide its results; others keep the name.

    Jobs whose overrides differ have different names, also where these had to be cut or cleaned.
    """
    told = sorted(override for override in overrides if _key(override) not in UNNAMED)
    name = ",".join(told) or "run"
    plain = re.sub(r"[^\w=,.+~\[\]-]", "_", name)[:LONGEST]
    if plain == name:
        return name
    return f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _key(override: str) -> str:
    """The first part of the key that an override is about."""
    return re.split(r"[=./@]", override.lstrip("+~"), maxsplit=1)[0]


# Hydra names folders in the process of the job, where this module is imported with the task.
OmegaConf.register_new_resolver("genesys.run_name", run_name, replace=True)


@dataclass(frozen=True)
class Failures:
    """Why jobs of a command failed. They tell it through files, of which there are none before.

    Attributes:
        folder: Where the files are put, by whatever process and machine a job runs in.
    """

    folder: Path = field(default_factory=lambda: Path.cwd() / f".genesys-{uuid4().hex}")

    def add(self, job: int, message: str) -> None:
        """Tell why a job failed.

        Raises:
            OSError: The folder cannot be written to.
        """
        self.folder.mkdir(exist_ok=True)
        write_text(self.folder / f"{job}.txt", message)

    def take(self) -> list[str]:
        """All messages, in the order of the jobs; nothing is left behind."""
        files = sorted(self.folder.glob("*.txt"), key=lambda file: int(file.stem))
        found = [file.read_text(encoding="utf-8") for file in files]
        shutil.rmtree(self.folder, ignore_errors=True)
        return found


class Tagged(io.TextIOBase):
    """A stream of whole lines that begin with a tag, for processes that share a terminal or file.

    Args:
        out: Where the lines go.
        tag: Whose they are.
    """

    def __init__(self, out: TextIO, tag: str) -> None:
        self._out, self._tag, self._rest = out, tag, ""

    def write(self, text: str) -> int:
        """Pass on what is a line by now, all at once."""
        *lines, self._rest = (self._rest + text).split("\n")
        if lines:
            self._out.write("".join(f"{self._tag}: {line}\n" for line in lines))
            self._out.flush()
        return len(text)
