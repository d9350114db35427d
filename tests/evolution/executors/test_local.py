"""Worker processes: they do what is done inline, die, hang, come and go."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
import pytest

from genesys.cli.roles import Role
from genesys.cli.worker import work
from genesys.errors import ConfigError, GenesysError
from genesys.evolution.control import Control
from genesys.evolution.coordinator import Coordinator
from genesys.evolution.executors import staff
from genesys.evolution.executors.base import Executor, Outfit
from genesys.evolution.executors.hub_file import HubFile
from genesys.evolution.executors.inline import InlineExecutor
from genesys.evolution.executors.local import LocalExecutor
from genesys.evolution.executors.protocol import Invitation
from genesys.evolution.jobs import Done, Extent, Job, Lost, Task
from genesys.evolution.ladder import Ladder
from genesys.evolution.seeds import load_seed
from genesys.population.evolution_tree import EvolutionTree, tree_digest
from genesys.population.ledger import JobKind
from genesys.population.population import Population
from genesys.records import Operator, Scale, Selection
from genesys.sandbox.devices import Device
from genesys.tape import Call, Tape

HERE = Path(__file__).parent
SCALE = Scale(name="s0", n_block=1, d_model=16, tokens=100, learning_rate=1e-3, trials=1)
WORKER = "genesys.evolution.worker"


def workers_of(pid: int) -> list[psutil.Process]:
    """The worker processes that a process has started."""
    found = []
    for process in psutil.Process(pid).children(recursive=True):
        try:
            if WORKER in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def eventually(happened: Callable[[], Any], seconds: float = 120) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if result := happened():
            return result
        time.sleep(0.02)
    raise AssertionError("it never happened")


class Local:
    """An open executor, and what it has told."""

    def __init__(self, executor: LocalExecutor, run: Path) -> None:
        self.executor, self.run = executor, run
        self.events: list[Any] = []
        self.notes: list[tuple[str, bool, str]] = []
        self.ended: list[Any] = []

    @contextmanager
    def open(self, config: dict[str, Any]) -> Iterator[None]:
        def note(*about: Any) -> None:
            self.notes.append(about)

        self.run.mkdir(exist_ok=True)
        parts: Any = None
        outfit = Outfit(config, self.run, self.events.append, note, parts, parts, parts)
        with self.executor.open(outfit):
            yield

    def until(self, happened: Callable[[], Any]) -> Any:
        """Wait on the executor until something has happened."""

        def look() -> Any:
            self.ended += self.executor.wait(0.05)
            return happened()

        return eventually(look)

    def next(self) -> Any:
        return self.until(lambda: self.ended and self.ended.pop(0))

    def joined(self) -> list[str]:
        names = [name for name, joined, _ in self.notes if joined]
        return names


@pytest.fixture
def slow(config: dict[str, Any], tmp_path: Path) -> tuple[dict[str, Any], Path]:
    """A config with the plugins that wait, and the folder in which they do."""
    folder = tmp_path / "slow"
    folder.mkdir()
    parameters = {"name": "slow", "folder": str(folder)}
    return {**config, "agent": parameters, "verifier": parameters}, folder


def verification(seeds: list[str], number: int = 0, **more: Any) -> Task:
    population = Population([load_seed(path) for path in seeds])
    design = population.designs[number % 2]
    kind, extent = JobKind.VERIFICATION, Extent.of(population)
    job = Job(number=number, kind=kind, extent=extent, design=design.name, scale="s0")
    return Task(job, population, design=design, scale=SCALE, **more)


def test_the_tree_is_that_of_a_run_in_one_process(
    config: dict[str, Any], fakes: ModuleType, seeds: list[str], tmp_path: Path
) -> None:
    """Results count in the order in which jobs were begun, so the two trees are equal."""
    chosen = fakes.settings(seeds, ahead=3)
    config["evolution"] = chosen.model_dump()
    digests = []
    modes = []

    def look(event: Any) -> None:
        hub = tmp_path / "local" / "workers" / "hub.json"
        if hub.exists() and not modes:
            modes.append(stat.S_IMODE(hub.stat().st_mode))
            assert json.loads(hub.read_text())["address"].endswith(".sock")

    executors: dict[str, Executor] = {
        "inline": InlineExecutor(),
        "local": LocalExecutor(designers=1, verifiers=2),
    }
    for name, executor in executors.items():
        parts = fakes.plugins()
        folder = tmp_path / name
        nothing: Any = None
        outfit = Outfit(config, folder, look, lambda *about: None, parts, nothing, chosen)
        with EvolutionTree(folder, {"seed": 1}) as tree, executor.open(outfit):
            ladder = Ladder(fakes.SCALES)
            coordinator = Coordinator(tree, parts, ladder, nothing, chosen, executor, look)
            digests.append(tree_digest(coordinator.run(1)))
    assert digests[0] == digests[1]
    assert modes == [0o600]
    left = sorted(path.name for path in (tmp_path / "local" / "workers").iterdir())
    assert left == ["designer-1.log", "verifier-1.log", "verifier-2.log"]
    assert not workers_of(os.getpid())


def test_a_job_outlives_its_workers(
    slow: tuple[dict[str, Any], Path], seeds: list[str], tmp_path: Path
) -> None:
    """One is killed, the next one hangs; each is started again."""
    config, folder = slow
    local = Local(LocalExecutor(0, 1, lease_seconds=2), tmp_path / "run")
    with local.open(config):
        for number, reason in (
            (signal.SIGKILL, "It was ended by SIGKILL."),
            (signal.SIGSTOP, "It was silent for 2 seconds."),
        ):
            local.executor.submit(verification(seeds))
            begun = local.until(lambda: list(folder.iterdir()))[0]
            pid = int(begun.suffix[1:])
            os.kill(pid, number)
            lost = local.next()
            assert isinstance(lost, Lost)
            assert (lost.worker, lost.reason) == ("verifier-1", reason)
            begun.unlink()
        (folder / "go").touch()
        local.executor.submit(verification(seeds, avoid=frozenset(["verifier-1"])))
        done = local.next()
        assert isinstance(done, Done)
        assert done.report.design == "seed1001"
        assert local.joined() == ["verifier-1"] * 3
        assert not psutil.pid_exists(pid)
    assert not workers_of(os.getpid())


def test_a_session_goes_on_with_what_the_lost_worker_had_kept(
    slow: tuple[dict[str, Any], Path], seeds: list[str], tmp_path: Path
) -> None:
    config, folder = slow
    kept: list[Call] = []
    tape = Tape(0, keep_call=kept.append, usd_of_run=lambda: sum(call.usd for call in kept))
    population = Population([load_seed(path) for path in seeds])
    kind, extent = JobKind.SESSION, Extent.of(population)
    selection = Selection(operator=Operator.MUTATION, designs=["seed1001"])
    job = Job(number=0, kind=kind, extent=extent, session=0, selection=selection)
    local = Local(LocalExecutor(1, 0), tmp_path / "run")
    with local.open(config):
        local.executor.submit(Task(job, population, tape))
        begun = local.until(lambda: list(folder.iterdir()))
        assert [call.usd for call in kept] == [0.5]
        os.kill(int(begun[0].suffix[1:]), signal.SIGKILL)
        assert isinstance(local.next(), Lost)
        (folder / "go").touch()
        local.executor.submit(Task(job, population, tape))
        done = local.next()
    assert isinstance(done, Done)
    assert done.session.index == 0
    assert len(kept) == 1
    told = [(e.worker, type(e.event).__name__) for e in local.events if hasattr(e, "event")]
    assert told.count(("designer-1", "SessionStarted")) == 2
    assert told.count(("designer-1", "Called")) == 1


def test_workers_come_and_go_while_it_runs(
    slow: tuple[dict[str, Any], Path], seeds: list[str], tmp_path: Path
) -> None:
    """One from another terminal, and one that a person has wished for."""
    config, folder = slow
    run = tmp_path / "run"
    local = Local(LocalExecutor(0, 0), run)
    with local.open(config):
        command = [sys.executable, "-m", "genesys.cli.main", "worker", "--run", str(run)]
        guest = subprocess.Popen([*command, "--role", "verifier"], stdout=subprocess.PIPE)
        local.executor.submit(verification(seeds))
        local.until(lambda: list(folder.iterdir()))
        (name,) = local.joined()
        assert name.endswith(f"-{guest.pid}")
        assert [local.executor.size(kind) for kind in JobKind] == [0, 1]
        Control(verifiers=1).save(run)
        local.until(lambda: local.joined() == [name, "verifier-1"])
        assert local.executor.size(JobKind.VERIFICATION) == 2
        Control(verifiers=0).save(run)
        local.until(lambda: ("verifier-1", False, "It was let go.") in local.notes)
        # Who has a job does it before it leaves.
        guest.send_signal(signal.SIGINT)
        assert guest.stdout is not None
        while b"Leaving" not in guest.stdout.readline():
            pass
        local.until(lambda: local.executor.size(JobKind.VERIFICATION) == 0)
        (folder / "go").touch()
        done = local.next()
        assert isinstance(done, Done)
        assert done.worker == name
        local.until(lambda: (name, False, "It was let go.") in local.notes)
        guest.communicate(timeout=30)
        assert guest.returncode == 0
        eventually(lambda: not workers_of(os.getpid()))


def test_a_worker_without_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="No run that workers could join is under way"):
        work(tmp_path, Role.BOTH, "", None, None)
    key = tmp_path / "key"
    key.write_text("ab" * 32 + "\n")
    with pytest.raises(ConfigError, match=r"There is no run to join at 127.0.0.1:1 "):
        work(None, Role.BOTH, "127.0.0.1:1", key, None)
    with pytest.raises(ConfigError, match="The key cannot be read from"):
        work(None, Role.BOTH, "127.0.0.1:1", tmp_path / "none", None)
    monkeypatch.setenv("GENESYS_WORKER_KEY", "no key")
    with pytest.raises(ConfigError, match="cannot be joined with this: key"):
        work(None, Role.BOTH, "127.0.0.1:1", None, None)


def test_workers_that_never_work_end_the_run(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staff, "MOST_STILLBORN", 2)
    config["verifier"] = {"name": "missing"}
    local = Local(LocalExecutor(0, 1), tmp_path / "run")
    with (
        pytest.raises(GenesysError, match=r"(?s)ended 2 times.*No verifier named 'missing'"),
        local.open(config),
    ):
        local.until(lambda: False)
    assert not workers_of(os.getpid())


KILLED = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
import test_local
local = test_local.Local(test_local.LocalExecutor(0, 1), Path({run!r}))
with local.open({config!r}):
    local.executor.submit(test_local.verification({seeds!r}))
    local.until(lambda: False)
"""


@pytest.mark.slow
def test_nothing_outlives_a_coordinator_that_is_killed(
    slow: tuple[dict[str, Any], Path], seeds: list[str], tmp_path: Path
) -> None:
    """Not the worker in the middle of a job, nor its sandbox, nor the guest in that."""
    config, folder = slow
    config["verifier"]["guest"] = True
    path = [str(HERE), str(HERE.parent)]
    code = KILLED.format(path=path, run=str(tmp_path / "run"), config=config, seeds=seeds)
    coordinator = subprocess.Popen([sys.executable, "-c", code])
    eventually(lambda: list(folder.iterdir()))
    family = psutil.Process(coordinator.pid).children(recursive=True)
    assert len(family) >= 3
    coordinator.kill()
    coordinator.wait()
    _, alive = psutil.wait_procs(family, timeout=20)
    assert not alive


def test_the_socket_of_a_coordinator_that_was_killed_is_removed(
    config: dict[str, Any], tmp_path: Path
) -> None:
    local = Local(LocalExecutor(0, 0), tmp_path / "run")
    (local.run / "workers").mkdir(parents=True)
    others = tmp_path / "others" / "hub.sock"
    others.parent.mkdir()
    left = Path(tempfile.mkdtemp(prefix="genesys-hub-")) / "hub.sock"
    for path in (others, left):
        path.touch()
        hub = HubFile(address=str(path), key="ab")
        (local.run / "workers" / "hub.json").write_text(hub.model_dump_json())
        with local.open(config):
            assert HubFile.read(local.run) != hub
        with pytest.raises(ConfigError, match="No run that workers could join"):
            HubFile.read(local.run)
    assert others.exists()
    assert not left.parent.exists()


@pytest.mark.parametrize(
    ("gpus", "shares"), [(3, ["0,2", "1", "0,2", ""]), (1, ["0", "0", "0", ""]), (0, [""] * 4)]
)
def test_gpus_are_shared_out_among_verifiers(
    gpus: int, shares: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    devices = [
        Device(name="g", nodes=[], variables={"CUDA_VISIBLE_DEVICES": str(number)})
        for number in range(gpus)
    ]
    monkeypatch.setattr("genesys.sandbox.devices.gpus", lambda visible: devices)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    executor = LocalExecutor(1, 2)
    found = []
    for number in range(4):
        kind, name = JobKind.VERIFICATION, f"verifier-{number + 1}"
        if number == 3:
            kind, name = JobKind.SESSION, "designer-1"
        nowhere = str(tmp_path / "no.sock")
        invitation = Invitation(address=nowhere, key="ab" * 16, name=name, roles=[kind])
        launched = executor.launch(invitation, tmp_path / f"{name}.log")
        (worker,) = workers_of(os.getpid())
        found.append(worker.environ().get("CUDA_VISIBLE_DEVICES", ""))
        launched.kill()
        assert launched.ended() is not None
    assert found == shares


def test_of_a_log_that_grows_too_long_the_end_is_kept(tmp_path: Path) -> None:
    log = tmp_path / "verifier-1.log"
    log.write_bytes(b"x" * 5 * 2**20 + b"the end\n")
    nowhere, roles = str(tmp_path / "no.sock"), [JobKind.VERIFICATION]
    invitation = Invitation(address=nowhere, key="ab" * 16, name="verifier-1", roles=roles)
    launched = LocalExecutor(0, 1).launch(invitation, log)
    why = eventually(launched.ended)
    assert why.startswith("It ended with status 1. There is no run to join")
    assert log.stat().st_size < 4 * 2**20
    assert log.read_text().splitlines()[0].endswith("xthe end")


def test_wrong_numbers_are_refused() -> None:
    for wrong in ({"designers": -1}, {"lease_seconds": 0.0}, {"threads": 0}):
        with pytest.raises(ConfigError):
            LocalExecutor(**wrong)  # type: ignore[arg-type]
