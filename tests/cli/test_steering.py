"""Pausing, stopping and going on, as a person does it, with a run that goes on meanwhile."""

from __future__ import annotations

import importlib.util
import json
import sys
import threading
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from rich.console import Console

from genesys.cli.overview import age, runs
from genesys.cli.steering import config_of, resume, want, workers
from genesys.errors import ConfigError, StoreError
from genesys.evolution import events
from genesys.evolution.control import Control, Wish
from genesys.population.evolution_tree import EvolutionTree

PATIENCE = 60.0


@pytest.fixture(scope="module")
def fakes() -> ModuleType:
    path = Path(__file__).parents[1] / "evolution" / "fake_run.py"
    spec = importlib.util.spec_from_file_location("fake_run", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fake_run"] = module
    spec.loader.exec_module(module)
    return module


class Going:
    """A run in a thread; after its third session it waits until it may go on."""

    def __init__(self, fakes: ModuleType, folder: Path) -> None:
        self.folder, self.held = folder, list[str]()
        self.reached, self.may_go, self.told = (threading.Event() for _ in range(3))
        seeds = fakes.write_seeds(folder.parent / "seeds")
        self._thread = threading.Thread(target=fakes.run, args=(folder, seeds, self._observe))

    def _observe(self, event: Any) -> None:
        if isinstance(event, events.SessionEnded) and event.session.index == 2:
            self.reached.set()
            assert self.may_go.wait(PATIENCE)
        if isinstance(event, events.Held):
            self.held.append(event.why)
            self.told.set()

    def wait_for_word(self) -> str:
        assert self.told.wait(PATIENCE)
        self.told.clear()
        return self.held[-1]

    def end(self) -> None:
        self.may_go.set()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()
        assert self.reached.wait(PATIENCE)


@pytest.fixture
def going(fakes: ModuleType, tmp_path: Path) -> Iterator[Going]:
    run = Going(fakes, tmp_path / "run")
    run.start()
    (run.folder / "config.yaml").write_text("executor: {name: local}")
    yield run
    run.end()


def test_a_run_pauses_goes_on_and_stops(going: Going) -> None:
    want(going.folder, Wish.PAUSE)
    going.may_go.set()
    assert "paused" in going.wait_for_word()
    want(going.folder, Wish.PAUSE, wait=True)
    held = EvolutionTree.read(going.folder)
    assert held.sessions
    assert len(held.children) < 8
    assert resume(going.folder) == 0
    assert going.wait_for_word() == ""
    want(going.folder, Wish.STOP, wait=True)
    going.end()
    with pytest.raises(StoreError, match="Nobody works on"):
        want(going.folder, Wish.PAUSE)


def test_the_number_of_workers(going: Going, capsys: pytest.CaptureFixture[str]) -> None:
    Control(wish=Wish.PAUSE, designers=4).save(going.folder)
    workers(going.folder, None, 3)
    assert Control.read(going.folder) == Control(wish=Wish.PAUSE, designers=4, verifiers=3)
    assert "goes on with 3 verifiers" in capsys.readouterr().out
    for numbers, message in (((None, None), "--designers"), ((0, 0), "genesys pause")):
        with pytest.raises(ConfigError, match=message):
            workers(going.folder, *numbers)
    (going.folder / "config.yaml").write_text("executor: {name: inline}")
    with pytest.raises(ConfigError, match="executor=local"):
        workers(going.folder, 1, 1)
    Control().save(going.folder)


def test_what_is_no_run(tmp_path: Path) -> None:
    for command in (
        lambda: want(tmp_path, Wish.STOP),
        lambda: resume(tmp_path),
        lambda: workers(tmp_path, 1, 1),
    ):
        with pytest.raises(StoreError, match="is no run folder"):
            command()


def test_a_run_whose_process_is_gone_goes_on_in_this_one(
    fakes: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with EvolutionTree(tmp_path / "run", {}):
        pass
    config = {"seed": 1, "agent": {"prompt": "as ${is}"}, "folder": "elsewhere"}
    (tmp_path / "run" / "config.yaml").write_text(yaml.safe_dump(config))
    given: list[Any] = []

    def run(config: Any, folder: Path) -> None:
        from genesys.cli.config import plain

        given.extend([plain(config), folder])
        if len(given) > 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("genesys.cli.evolve.run", run)
    assert resume(tmp_path / "run") == 0
    assert given == [config | {"folder": str(tmp_path / "run")}, tmp_path / "run"]
    assert resume(tmp_path / "run") == 130


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "no run of genesys evolve"), ("[", "cannot be read"), ("7", "is no config")],
)
def test_a_config_that_is_none(content: str | None, message: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "config.yaml").write_text(content)
    with pytest.raises(StoreError, match=message):
        config_of(tmp_path)


def test_the_list_of_runs(fakes: ModuleType, tmp_path: Path, render: Callable[..., str]) -> None:
    fakes.run(tmp_path / "all" / "one", fakes.write_seeds(tmp_path / "seeds"), designs=2)
    (tmp_path / "all" / "old").mkdir()
    (tmp_path / "all" / "old" / "run.json").write_text('{"format": 1, "genesys": "0.1"}')

    def shown(**options: Any) -> str:
        console = Console(file=StringIO(), width=120)
        runs(tmp_path / "all", console=console, **options)
        assert isinstance(console.file, StringIO)
        return console.file.getvalue()

    text = shown()
    assert "one" in text
    assert "ended" in text
    assert "unreadable" in text
    assert "was written by genesys 0.1 in format 1" in text
    rows = {Path(row["folder"]).name: row for row in json.loads(shown(as_json=True))}
    assert rows["one"]["designs"] >= 2
    assert rows["old"]["state"] == "unreadable"
    with pytest.raises(StoreError, match="There is no folder"):
        runs(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    console = Console(file=StringIO())
    runs(tmp_path / "empty", console=console)
    assert isinstance(console.file, StringIO)
    assert "no run below" in console.file.getvalue()


def test_ages() -> None:
    assert [age(s) for s in (0.2, 40, 200, 20_000, 200_000)] == [
        "now",
        "40 s",
        "3 min",
        "6 h",
        "2 d",
    ]
