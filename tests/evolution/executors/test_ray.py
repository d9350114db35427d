"""Workers on a Ray cluster, and what is told where there is none."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from genesys.cli.config import compose
from genesys.errors import ConfigError, GenesysError, MissingExtraError
from genesys.evolution.executors.base import Outfit
from genesys.evolution.executors.ray import RayExecutor
from genesys.evolution.run import executor_of

HERE = Path(__file__).parent


def opened(executor: RayExecutor, folder: Path) -> None:
    """Open an executor with nothing to do."""
    parts: Any = None
    outfit = Outfit({}, folder, lambda event: None, lambda *about: None, parts, parts, parts)
    with executor.open(outfit):
        pass


@pytest.fixture
def deaf() -> Iterator[str]:
    """The address of somebody who accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept = []

        def accept() -> None:
            try:
                while True:
                    kept.append(server.accept())
            except OSError:
                pass

        threading.Thread(target=accept, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        for stream, _ in kept:
            stream.close()


def test_the_config_makes_one() -> None:
    executor = executor_of(compose(["executor=ray", "executor.verifier_resources.num_gpus=0.5"]))
    assert isinstance(executor, RayExecutor)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"designer_resources": {"cpus": 1}}, "no 'cpus'; there are num_cpus, num_gpus"),
        ({"address": "ray://head:10001"}, "give executor.listen=host:port"),
        ({"connect_seconds": 0}, "connect_seconds must be above 0"),
        ({"verifiers": -1}, "fewer than 0"),
        ({"lease_seconds": 0}, "lease_seconds"),
    ],
)
def test_a_wrong_parameter(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        RayExecutor(**parameters)


def test_ray_is_an_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'genesys\[ray\]'"):
        opened(RayExecutor(), tmp_path)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nonsense", "head.invalid:6379"])
def test_a_cluster_that_is_not_there(address: str, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    with pytest.raises(GenesysError, match=f"no Ray cluster at executor.address={address}"):
        opened(RayExecutor(address=address), tmp_path)


@pytest.mark.slow
def test_somebody_else_at_the_address(deaf: str, tmp_path: Path) -> None:
    """In a process of its own, since Ray goes on trying in a thread."""
    pytest.importorskip("ray")
    overrides = ["experiment=simulation", "executor=ray", f"executor.address={deaf}"]
    command = [sys.executable, "-m", "genesys.cli.main", "evolve", *overrides]
    done = subprocess.run(
        [*command, "executor.connect_seconds=2"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "it has not answered in 2 seconds" in done.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nodes_come_and_go(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    done = subprocess.run(
        [sys.executable, HERE / "ray_cluster.py", tmp_path / "run"],
        capture_output=True,
        text=True,
        timeout=540,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["status"] == 0
    assert told["faults"] == []
    assert told["jobs"] > told["before"] >= 8
    # Who was on the node is lost, and started again elsewhere.
    assert told["left"]
    assert set(told["left"]) <= set(told["joined"])
    assert "lost" in told["failed"]
