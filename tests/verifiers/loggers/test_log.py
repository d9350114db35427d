"""What a logger is told of a verification, and that nothing it does is of any consequence."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import yaml
from pydantic import Field

from genesys.errors import ConfigError, MissingExtraError, PluginError, UnknownNameError
from genesys.records import CurvePoint, Design, Outcome, Scale, Score, VerificationReport
from genesys_verifiers.loggers import Log, Logger, LoggerConfig, Logging
from genesys_verifiers.loggers import log as module
from genesys_verifiers.loggers import writer as threads
from genesys_verifiers.loggers.builtin import Wandb
from genesys_verifiers.settings import Settings, Task

DESIGN = Design(name="wide-gpt2", root="A", units=[], parents=["gpt2"])
SCALE = Scale(name="0.1M", n_block=2, d_model=64, tokens=6400, learning_rate=0.01, trials=1)
TASK = Task(
    block="class GAB: ...",
    learning_rate=0.01,
    steps=25,
    seed=7,
    vocab_size=512,
    settings=Settings(batch_size=4, sequence_length=64, warmup=0.2, floor=0.1),
)
SCORE = Score(task="next_word", metric="acc", value=0.75, stderr=0.1, chance=0.5, untrained=0.5)
REPORT = VerificationReport(
    design=DESIGN.name, scale=SCALE.name, parameters=101_000, scores=[SCORE], seconds=3.0
)


def step(number: int) -> CurvePoint:
    return CurvePoint(step=number, tokens=256 * number, loss=8 - number / 10, grad_norm=1.0)


def train(logging: Logging, report: VerificationReport = REPORT, past: int = 0) -> None:
    """A verification of which so many steps were taken by an earlier process."""
    with logging.begin(DESIGN, SCALE, TASK) as log:
        for number in range(1, TASK.steps + 1):
            log.step(step(number), is_past=number <= past)
        log.end(report)


def csv_of(folder: Path, **parameters: Any) -> Logging:
    return Logging({"name": "csv", "folder": str(folder), **parameters})


def table(folder: Path, version: int = 0) -> list[dict[str, str]]:
    with (folder / "wide-gpt2-0.1M-7" / f"version_{version}" / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_table_of_steps_and_scores(tmp_path: Path) -> None:
    train(csv_of(tmp_path))
    *steps, end = table(tmp_path)
    assert [int(row["step"]) for row in steps] == [1, 10, 20, 25]
    assert [float(row["train/loss"]) for row in steps] == [7.9, 7.0, 6.0, 5.5]
    rates = [float(row["train/learning_rate"]) for row in steps]
    assert rates[0] == pytest.approx(0.01 / 5)  # the warm-up takes a fifth of the steps
    assert 0.01 > rates[1] > rates[2] > rates[3] >= 0.001
    assert [row["train/tokens_per_second"] != "" for row in steps] == [False, True, True, True]
    assert (end["score/next_word"], end["fitness"], end["parameters"]) == ("0.75", "0.75", "101000")
    hyperparameters = yaml.safe_load(next(tmp_path.rglob("hparams.yaml")).read_text())
    assert hyperparameters["design"]["parents"] == "gpt2"
    assert hyperparameters["scale"]["d_model"] == 64
    assert (hyperparameters["seed"], hyperparameters["settings"]["batch_size"]) == (7, 4)


def test_a_training_that_goes_on_has_all_steps_in_a_log_of_its_own(tmp_path: Path) -> None:
    train(csv_of(tmp_path))
    train(csv_of(tmp_path, every=5), past=12)
    *steps, _ = table(tmp_path, version=1)
    timed = {int(row["step"]): row["train/tokens_per_second"] != "" for row in steps}
    assert timed == {1: False, 5: False, 10: False, 15: True, 20: True, 25: True}
    assert len(table(tmp_path, version=0)) == 5


def test_tensorboard_reads_its_files(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(Logging({"name": "tensorboard", "folder": str(tmp_path)}))
    events = EventAccumulator(str(tmp_path / "wide-gpt2-0.1M-7" / "version_0")).Reload()
    assert [event.step for event in events.Scalars("train/loss")] == [1, 10, 20, 25]
    assert events.Scalars("fitness")[-1].value == 0.75
    assert "_hparams_/experiment" in events.summary_metadata


@pytest.mark.filterwarnings("ignore")  # of libraries that are not ours
def test_wandb_writes_a_run_for_each_verification(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("wandb")
    logging = Logging({"name": "wandb", "folder": str(tmp_path), "mode": "offline"})
    train(logging)
    train(logging)
    files = list(tmp_path.rglob("run-*.wandb"))
    assert len(files) == 2
    assert all(b"train/loss" in file.read_bytes() for file in files)
    assert "has failed" not in caplog.text


@pytest.mark.filterwarnings("ignore")
def test_mlflow_keeps_a_database_where_there_is_no_server(tmp_path: Path) -> None:
    pytest.importorskip("mlflow")
    train(Logging({"name": "mlflow", "folder": str(tmp_path)}))
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        found = database.execute("select step from metrics where key = 'train/loss' order by step")
        assert found.fetchall() == [(1,), (10,), (20,), (25,)]
        assert database.execute("select status from runs").fetchall() == [("FINISHED",)]
    database.close()


def test_nothing_is_logged_unless_it_is_asked_for(tmp_path: Path) -> None:
    train(Logging(None))
    assert not list(tmp_path.iterdir())


class Faulty(LoggerConfig):
    """A logger that fails where it is told to, or hangs."""

    name: str = "faulty"
    at: str
    told: list[Any] = Field(default_factory=list)
    ended: list[str] = Field(default_factory=list)

    def open(self, title: str) -> Logger:
        self._perhaps("open")
        return self

    def log_hyperparams(self, params: dict[str, Any]) -> None:
        self._perhaps("hyperparameters")

    def log_metrics(self, metrics: Any, step: int) -> None:
        self.told.append(step)
        if step == 10:
            self._perhaps("metrics")

    def save(self) -> None:
        self._perhaps("save")

    def finalize(self, status: str) -> None:
        self.ended.append(status)
        self._perhaps("end")

    def _perhaps(self, where: str) -> None:
        if self.at == f"{where} hangs":
            Event().wait(5.0)
        if self.at == where:
            raise OSError(28, "No space left on device")


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    def build(config: dict[str, Any]) -> LoggerConfig:
        return Faulty(**config)

    monkeypatch.setattr(module, "logger_of", build)
    return lambda at: Logging({"name": "faulty", "at": at})


@pytest.mark.parametrize("at", ["open", "hyperparameters", "metrics", "save", "end"])
def test_a_logger_that_fails_is_off_after_one_warning(
    at: str, faulty: Any, caplog: pytest.LogCaptureFixture
) -> None:
    logging = faulty(at)
    for _ in range(3):
        train(logging)
    (record,) = caplog.records
    assert record.getMessage() == (
        "The logger faulty has failed and is off from now on; nothing else is. "
        "OSError: [Errno 28] No space left on device"
    )


def test_nobody_waits_for_a_logger_that_hangs(
    faulty: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(threads, "END_SECONDS", 0.05)
    with faulty("metrics hangs").begin(DESIGN, SCALE, TASK) as log:
        for number in range(1, TASK.steps + 1):
            log.step(step(number))
    assert "it did not end within 0.05 seconds" in caplog.text


def test_how_a_verification_ended_is_told(faulty: Any) -> None:
    logging = faulty("nowhere")
    train(logging)
    train(logging, REPORT.model_copy(update={"outcome": Outcome.DESIGN_ERROR}))
    with pytest.raises(KeyboardInterrupt), logging.begin(DESIGN, SCALE, TASK):
        raise KeyboardInterrupt
    assert logging._config.ended == ["success", "failed", "failed"]


@pytest.mark.parametrize(
    ("config", "error", "told"),
    [
        ({"name": "cvs", "folder": "x"}, UnknownNameError, "No logger named 'cvs'"),
        ({"name": "csv"}, ConfigError, "logger.csv needs the parameter 'folder'"),
        ({"name": "csv", "folder": "x", "every": 0}, ConfigError, "logger.csv: every"),
        ({"name": "csv", "folder": "x", "evry": 1}, UnknownNameError, "Did you mean 'every'"),
    ],
)
def test_a_wrong_config_is_told(config: Any, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        Logging(config)


def test_a_missing_extra_is_told_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a_module_that_is_not_installed").mkdir()  # a folder is no module
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(Wandb, "modules", ("a_module_that_is_not_installed",))
    with pytest.raises(MissingExtraError, match=r"pip install 'genesys\[wandb\]'"):
        Logging({"name": "wandb", "folder": "x"})


def test_a_missing_key_is_told_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE", "WANDB_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Wandb, "modules", ())
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with pytest.raises(ConfigError, match="WANDB_API_KEY, or take"):
        Logging({"name": "wandb", "folder": "x"})
    Logging({"name": "wandb", "folder": "x", "mode": "offline"})
    (tmp_path / "netrc").write_text("machine api.wandb.ai\n  login user\n  password secret\n")
    (tmp_path / "netrc").chmod(0o600)
    Logging({"name": "wandb", "folder": "x"})


def test_a_part_that_is_no_logger_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genesys_verifiers.loggers.config.part", lambda config, kind: object())
    with pytest.raises(PluginError, match=r"logger\.csv is no LoggerConfig"):
        Logging({"name": "csv"})


def test_a_log_that_goes_nowhere_takes_what_it_is_told() -> None:
    with Log() as log:
        log.step(step(1))
        log.end(REPORT)
