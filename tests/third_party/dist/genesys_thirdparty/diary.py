"""A logger in one file: a diary of lines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from genesys_verifiers.loggers import Logger, LoggerConfig


class Diary(LoggerConfig):
    """Writes a text file for each verification.

    Attributes:
        folder: Of the files.
    """

    name: Literal["diary"] = "diary"
    folder: str

    def open(self, title: str) -> Logger:
        """The diary of one verification."""
        return DiaryLogger(Path(self.folder) / f"{title}.txt")


class DiaryLogger:
    """What is written, and not yet saved."""

    def __init__(self, path: Path) -> None:
        self.path, self.lines = path, list[str]()

    def log_hyperparams(self, params: dict[str, Any]) -> None:
        self.lines += [f"{name}: {value}" for name, value in params.items()]

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        self.lines += [f"{step}: {name}={value:g}" for name, value in metrics.items()]

    def save(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text("\n".join(self.lines), encoding="utf-8")

    def finalize(self, status: str) -> None:
        self.lines.append(status)
        self.save()
