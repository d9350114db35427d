"""What a logger is: a config that opens one of Lightning's, or what has the same methods."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Annotated, Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict, Field

from genesys.errors import MissingExtraError, PluginError
from genesys.registry import part


class Logger(Protocol):
    """What is asked of a logger, as Lightning has it."""

    def log_hyperparams(self, params: dict[str, Any]) -> None:
        """Take in what describes the verification."""

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Take in numbers by name."""

    def save(self) -> None:
        """Bring what was taken in to where it can be read."""

    def finalize(self, status: str) -> None:
        """End; ``success`` or ``failed``."""


class LoggerConfig(BaseModel, ABC):
    """A config of group ``logger``; its subclasses are kinds of loggers.

    Attributes:
        name: Of the kind, as in the entry point ``logger.<name>``.
        every: Steps from one that is logged to the next; the first and the last always are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    # Modules that it needs of the extra that has its name.
    modules: ClassVar[tuple[str, ...]] = ()

    name: str
    every: Annotated[int, Field(ge=1)] = 10

    def check(self) -> None:
        """Called once, before anything else is done, and to be quick.

        Raises:
            GenesysError: It cannot log here, and why.
        """
        for module in self.modules:
            spec = find_spec(module)
            if spec is None or spec.origin is None:  # a mere folder of that name is no module
                raise MissingExtraError(f"logger={self.name}", self.name)

    @abstractmethod
    def open(self, title: str) -> Logger:
        """A logger for one verification, not connected to anything yet.

        Args:
            title: Of the verification, fit for a file name.
        """

    def begin(self, logger: Logger, hyperparameters: dict[str, Any]) -> None:
        """Connect it, and log what describes the verification. May take its time."""
        logger.log_hyperparams(hyperparameters)

    def end(self, logger: Logger, ok: bool) -> None:
        """End a logger of this kind. May take its time.

        Args:
            logger: One that this has opened.
            ok: Whether the verification ended well.
        """
        logger.finalize("success" if ok else "failed")


def logger_of(config: Mapping[str, Any]) -> LoggerConfig:
    """The kind of logger that a config of group ``logger`` names, with its parameters.

    Raises:
        ConfigError: It does not take a parameter or its value.
        PluginError: It is no logger.
        UnknownNameError: No distribution offers it.
    """
    found = part({"logger": config}, "logger")
    if not isinstance(found, LoggerConfig):
        raise PluginError(f"Plugin logger.{config['name']} is no LoggerConfig, but {type(found)}.")
    return found
