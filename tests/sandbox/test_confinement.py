"""What a worker cannot reach."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from genesys.errors import SandboxError
from genesys.sandbox import Job, JobStatus, Limits, Sandbox


@pytest.fixture(scope="module")
def listener() -> Iterator[int]:
    """A port on loopback that would answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def attempt(sandbox: Sandbox, **code: str) -> dict[str, str]:
    result = sandbox.run(Job(entry="hostile_jobs:attempt", payload=dict(code)))
    assert result.status is JobStatus.OK, result
    return result.value


def test_files_outside_cannot_be_read(sandbox: Sandbox, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    found = attempt(
        sandbox,
        passwd="open('/etc/passwd').read()",
        home=f"os.listdir({str(Path.home())!r})",
        secret=f"open({str(secret)!r}).read()",
        root="os.listdir('/')",
        link=f"os.symlink({str(secret)!r}, 'l') or open('l').read()",
        parent=f"open('/proc/{os.getpid()}/environ').read()",
        host="open(f'/proc/{os.getppid()}/environ').read()",
        memory="open(f'/proc/{os.getppid()}/mem').read()",
        project=f"open({str(Path(__file__).parents[2] / 'pyproject.toml')!r}).read()",
        hard=f"os.link({str(secret)!r}, 'h')",
    )
    assert set(found.values()) <= {"PermissionError", "OSError"}, found


def test_installation_can_be_read(sandbox: Sandbox) -> None:
    found = attempt(
        sandbox,
        library="len(open(os.__file__).read()) > 0",
        genesys="__import__('genesys.gau.model').__name__",
        lazily="__import__('torch.distributions').__name__",
    )
    assert found == {"library": "True", "genesys": "'genesys'", "lazily": "'torch'"}


def test_folder_can_be_opened_to_a_job(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("text")
    limits = Limits(readable=[str(tmp_path)])
    code = {"read": f"open('{tmp_path}/data').read()", "write": f"open('{tmp_path}/new', 'w')"}
    job = Job(entry="hostile_jobs:attempt", payload=code, limits=limits)
    assert sandbox.run(job).value == {"read": "'text'", "write": "PermissionError"}


def test_nothing_outside_can_be_changed(sandbox: Sandbox, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("x")
    path = str(victim)
    found = attempt(
        sandbox,
        write=f"open({path!r}, 'w')",
        append=f"open({path!r}, 'a')",
        create=f"open({str(tmp_path / 'new')!r}, 'w')",
        remove=f"os.remove({path!r})",
        rename=f"os.rename({path!r}, {path + '2'!r})",
        truncate=f"os.truncate({path!r}, 0)",
        mode=f"os.chmod({path!r}, 0)",
        owner=f"os.chown({path!r}, 1, 1)",
        times=f"os.utime({path!r})",
        folder=f"os.mkdir({path + '3'!r})",
        temporary="open('/tmp/genesys-escape', 'w')",
        shared="open('/dev/shm/genesys-escape', 'w')",
        package="open(os.__file__, 'a')",
    )
    assert set(found.values()) <= {"PermissionError", "OSError"}, found
    assert [p.name for p in tmp_path.iterdir()] == ["victim"]
    assert victim.read_text() == "x"


def test_scratch_can_be_written(sandbox: Sandbox) -> None:
    found = attempt(
        sandbox,
        write="open('x', 'w').write('12')",
        temporary="__import__('tempfile').mkstemp()[1].startswith(os.getcwd())",
    )
    assert found == {"write": "2", "temporary": "True"}


def test_nothing_can_be_hidden_from_the_limits(sandbox: Sandbox) -> None:
    found = attempt(
        sandbox,
        file="open('x', 'w')",
        removed="os.remove('x')",
        moved="os.rename('x', 'y')",
        nameless="os.open('.', os.O_TMPFILE | os.O_RDWR)",
        folder="os.mkdir('d')",
        in_flight="socket.socketpair()",
        shared="mmap.mmap(-1, 4096)",
        far="mmap.mmap(-1, 2**40, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ)",
        payload="os.write(0, b'x')",
    )
    assert found.pop("file") != "PermissionError"
    assert set(found.values()) == {"PermissionError", "OSError"}, found


def test_network_is_out_of_reach(sandbox: Sandbox, listener: int) -> None:
    found = attempt(
        sandbox,
        tcp=f"socket.create_connection(('127.0.0.1', {listener}), 1)",
        udp="socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
        v6="socket.socket(socket.AF_INET6)",
        unix="socket.socket(socket.AF_UNIX)",
        raw="socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
        server="socket.create_server(('127.0.0.1', 0))",
    )
    assert set(found.values()) == {"PermissionError"}, found


def test_other_processes_are_out_of_reach(sandbox: Sandbox) -> None:
    found = attempt(
        sandbox,
        parent="os.kill(os.getppid(), 0)",
        init="os.kill(1, 0)",
        coordinator=f"os.kill({os.getpid()}, 0)",
        fork="os.fork()",
        program="os.execv('/bin/true', ['true'])",
        spawn="os.posix_spawn('/bin/true', ['true'], {})",
        limits="resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE)",
        unlimited="resource.setrlimit(resource.RLIMIT_DATA, (-1, -1))",
    )
    assert set(found.values()) <= {"PermissionError", "ValueError"}, found


def test_system_calls_that_undo_confinement_are_denied(sandbox: Sandbox) -> None:
    found = attempt(
        sandbox,
        outlive="ctypes.CDLL(None).prctl(1, 0)",
        ptrace="ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0)",
        unshare="ctypes.CDLL(None).unshare(0x10000000)",
        io_uring="ctypes.CDLL(None).syscall(425, 8, 0)",
        memfd="os.memfd_create('x')",
        pages_in_a_pipe="ctypes.CDLL(None).vmsplice(os.pipe()[1], 0, 0, 0)",
        watch="ctypes.CDLL(None).inotify_init()",
    )
    assert set(found.values()) <= {"-1", "PermissionError"}, found


def test_threads_are_allowed(sandbox: Sandbox) -> None:
    assert threading.active_count()
    found = attempt(sandbox, thread="threading.Thread(target=print).start()")
    assert found == {"thread": "None"}


def test_descriptors_are_few(sandbox: Sandbox) -> None:
    # 0 to 2, the channel, and the one that lists them.
    found = attempt(sandbox, open="sorted(map(int, os.listdir(f'/proc/{os.getpid()}/fd')))")
    assert found == {"open": "[0, 1, 2, 3, 4]"}


@pytest.mark.parametrize("confinement", ["required", "best_effort"])
def test_machine_that_cannot_confine(
    confinement: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # A package that shadows the real one in the host, as if it were for another system.
    (tmp_path / "sandlock.py").write_text("raise ImportError('not for this system')")
    monkeypatch.syspath_prepend(tmp_path)
    job = Job(entry="hostile_jobs:echo", payload={})
    with Sandbox(confinement=confinement, preload=[]) as sandbox:
        if confinement == "required":
            with pytest.raises(SandboxError, match="best_effort"):
                sandbox.run(job)
            return
        with caplog.at_level(logging.WARNING):
            assert sandbox.run(job).status is JobStatus.OK
            assert sandbox.run(job).status is JobStatus.OK
    assert len([r for r in caplog.records if "without confinement" in r.message]) == 1
