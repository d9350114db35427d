"""Lightning's loggers as configs. Lightning is imported when one is opened: it takes seconds."""

from __future__ import annotations

import os
import sys
from netrc import NetrcParseError, netrc
from pathlib import Path
from typing import Any, ClassVar, Literal, cast
from urllib.parse import urlsplit

from genesys.errors import ConfigError
from genesys_verifiers.loggers.config import Logger, LoggerConfig

NEVER = sys.maxsize  # by number of steps; the writer saves from time to time


class CSV(LoggerConfig):
    """A table in a file, and the hyperparameters in another.

    Attributes:
        folder: Holds a folder for each verification.
    """

    name: Literal["csv"] = "csv"
    folder: str

    def open(self, title: str) -> Logger:
        """See :class:`LoggerConfig`."""
        from lightning.pytorch.loggers import CSVLogger

        logger = CSVLogger(self.folder, name=title, flush_logs_every_n_steps=NEVER)
        return cast("Logger", logger)


class TensorBoard(LoggerConfig):
    """Event files for TensorBoard.

    Attributes:
        folder: Holds a folder for each verification.
    """

    modules: ClassVar[tuple[str, ...]] = ("tensorboard",)

    name: Literal["tensorboard"] = "tensorboard"
    folder: str

    def open(self, title: str) -> Logger:
        """See :class:`LoggerConfig`."""
        from lightning.pytorch.loggers import TensorBoardLogger

        return cast("Logger", TensorBoardLogger(self.folder, name=title))

    def begin(self, logger: Any, hyperparameters: dict[str, Any]) -> None:
        """Its table of hyperparameters must know at the start by what they will be judged."""
        logger.log_hyperparams(hyperparameters, {"fitness": 0.0})


class Wandb(LoggerConfig):
    """Weights & Biases.

    Attributes:
        folder: For its files.
        project: To which the verifications go.
        entity: To whom the project belongs; the key's owner when None.
        group: Under which they are shown.
        mode: ``offline`` writes files only, for ``wandb sync``.
    """

    modules: ClassVar[tuple[str, ...]] = ("wandb",)

    name: Literal["wandb"] = "wandb"
    folder: str
    project: str = "genesys"
    entity: str | None = None
    group: str | None = None
    mode: Literal["online", "offline"] = "online"

    def check(self) -> None:
        """It also needs a key, unless it is offline."""
        super().check()
        if self.mode == "online" and not _has_key():
            raise ConfigError(
                "logger=wandb needs a key: run `wandb login`, set WANDB_API_KEY, or take "
                "logger.mode=offline, which needs none."
            )

    def open(self, title: str) -> Logger:
        """See :class:`LoggerConfig`."""
        from lightning.pytorch.loggers import WandbLogger

        Path(self.folder).mkdir(parents=True, exist_ok=True)  # else it takes the system's place
        logger = WandbLogger(
            name=title,
            save_dir=self.folder,
            project=self.project,
            entity=self.entity,
            group=self.group,
            mode=self.mode,
            reinit="create_new",
            settings={"silent": True, "console": "off"},
        )
        return cast("Logger", logger)

    def end(self, logger: Any, ok: bool) -> None:
        """Lightning leaves its runs open."""
        logger.experiment.finish(exit_code=0 if ok else 1)


class MLFlow(LoggerConfig):
    """MLflow.

    Attributes:
        folder: For its database, when there is no server.
        tracking_uri: Of the server or store; a database in the folder when None.
        experiment: To which the verifications go.
    """

    modules: ClassVar[tuple[str, ...]] = ("mlflow",)

    name: Literal["mlflow"] = "mlflow"
    folder: str
    tracking_uri: str | None = None
    experiment: str = "genesys"

    def open(self, title: str) -> Logger:
        """See :class:`LoggerConfig`."""
        from lightning.pytorch.loggers import MLFlowLogger

        Path(self.folder).mkdir(parents=True, exist_ok=True)
        logger = MLFlowLogger(
            self.experiment,
            run_name=title,
            tracking_uri=self.tracking_uri or f"sqlite:///{self.folder}/mlflow.db",
        )
        return cast("Logger", logger)


def _has_key() -> bool:
    """Whether the environment or the user's netrc file has a key for Weights & Biases."""
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    host = urlsplit(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname
    try:
        return netrc(os.environ.get("NETRC")).authenticators(host or "") is not None
    except (OSError, NetrcParseError):
        return False
