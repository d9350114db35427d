"""Attacks by a guest that may run a compiler: what it starts can do no more than itself."""

from __future__ import annotations

import platform
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from genesys.sandbox import GuestEnded, JobStatus, Sandbox

from .conftest import CONFINED, LIMITS, attempt, execute, hostile, is_gone, processes, wait_for

ON_X86 = pytest.mark.skipif(platform.machine() != "x86_64", reason="numbers are of x86-64")


@pytest.fixture(scope="module", params=CONFINED)
def compiling(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Sandbox, Path]]:
    """A sandbox whose guests may compile, and where their scratch folders lie."""
    root = tmp_path_factory.mktemp("scratch")
    limits = LIMITS.model_copy(update={"compiler": True})
    with Sandbox(limits, root, request.param, preload=["numpy"]) as sandbox:
        yield sandbox, root


def started() -> set[int]:
    """All that runs below hosts: guests, and what they have started."""
    found = [p for host in processes()[0] for p in host.children(recursive=True)]
    return {p.pid for p in found if not is_gone(p.pid)}


CHILD = "p = subprocess.run([sys.executable, '-I', '-c', {code!r}], capture_output=True)\n"


def test_what_it_starts_reaches_no_network_and_no_file(
    compiling: tuple[Sandbox, Path], tmp_path: Path
) -> None:
    sandbox, _ = compiling
    secret, target = tmp_path / "secret", tmp_path / "written"
    secret.write_text("canary")
    with socket.create_server(("127.0.0.1", 0)) as server:
        tries = [
            f"print(open({str(secret)!r}).read())",
            f"open({str(target)!r}, 'w')",
            f"__import__('socket').create_connection(('127.0.0.1', {server.getsockname()[1]}))",
        ]
        code = "answer['said'] = ''\n" + "".join(
            CHILD.format(code=one) + "answer['said'] += str((p.returncode, p.stdout))\n"
            for one in tries
        )
        assert execute(sandbox, code)["said"] == "(1, b'')" * len(tries)
        server.settimeout(0.1)
        with pytest.raises(TimeoutError):
            server.accept()
    assert not target.exists()


def test_it_starts_no_other_programs(compiling: tuple[Sandbox, Path], tmp_path: Path) -> None:
    target = tmp_path / "started"
    found = attempt(
        compiling[0],
        shell=f"subprocess.run(['/bin/sh', '-c', 'touch {target}'])",
        touch=f"subprocess.run(['/usr/bin/touch', '{target}'])",
        compiler="subprocess.run(['g++', '--version'], check=True).returncode",
    )
    assert set(found.values()) <= {"PermissionError", "FileNotFoundError", "0"}, found
    assert found["compiler"] == "0"
    assert not target.exists()


DAEMONS = """
for _ in range(4):
    if os.fork() == 0:
        for leave in (os.setsid, lambda: os.setpgid(0, 0), lambda: signal.signal(15, 1)):
            try: leave()
            except OSError: pass
        if os.fork() == 0: time.sleep(60)
        os._exit(0)
"""


def test_nothing_that_it_starts_outlives_it(compiling: tuple[Sandbox, Path]) -> None:
    sandbox, _ = compiling
    with sandbox.open(hostile(sandbox)) as guest:
        guest.call("execute", code=DAEMONS)
        wait_for(lambda: len(started()) >= 5)
    assert started() == set()


def test_a_fork_bomb_is_bounded(compiling: tuple[Sandbox, Path]) -> None:
    sandbox, _ = compiling
    bomb = "while True:\n try: os.fork()\n except OSError: pass"
    with sandbox.open(hostile(sandbox, processes=16)) as guest:
        with pytest.raises(GuestEnded, match="more than 16 threads"):
            guest.call("execute", code=bomb)
        assert started() == set()
    attempt(sandbox)


@pytest.mark.parametrize(
    ("code", "limits", "status"),
    [
        ("while True: pass", {"cpu_seconds": 0.5}, JobStatus.CPU),
        ("kept = bytearray(b'x' * 2**27); time.sleep(30)", {"memory_mb": 320}, JobStatus.MEMORY),
    ],
)
def test_limits_hold_for_all_together(
    code: str, limits: dict[str, float], status: JobStatus, compiling: tuple[Sandbox, Path]
) -> None:
    code = f"for _ in range(3):\n if os.fork() == 0:\n  {code}\ntime.sleep(30)"
    with pytest.raises(GuestEnded) as caught:
        execute(compiling[0], code, **limits)
    assert caught.value.status is status
    assert started() == set()


def test_time_of_processes_that_have_ended_counts(compiling: tuple[Sandbox, Path]) -> None:
    sandbox, _ = compiling
    spin = """
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
if os.fork() == 0:
    while time.process_time() < 0.5: pass
    os._exit(0)
try: os.wait()
except ChildProcessError: pass
"""
    with sandbox.open(hostile(sandbox)) as guest:
        guest.call("execute", code=spin)
        assert guest.cpu_seconds() > 0.35


def test_deep_folders_are_found_and_removed(compiling: tuple[Sandbox, Path]) -> None:
    sandbox, root = compiling
    deep = "while True: os.mkdir('d'); os.chdir('d')"
    with pytest.raises(GuestEnded, match="MiB of files"):
        execute(sandbox, deep)
    assert [path for folder in root.iterdir() for path in (folder / "scratch").iterdir()] == []
    attempt(sandbox)


def test_files_in_folders_count(compiling: tuple[Sandbox, Path]) -> None:
    large = "for f in '1', '2': open('a/b/' + f, 'wb').write(bytes(2**21))\ntime.sleep(30)"
    many = "n = 0\nwhile True: open(f'a/b/{n}', 'w').close(); n += 1"
    for full in (large, many):
        with pytest.raises(GuestEnded, match="more than 3 MiB of files"):
            execute(compiling[0], "os.makedirs('a/b')\n" + full, disk_mb=3)


@ON_X86
def test_what_leads_out_stays_refused(compiling: tuple[Sandbox, Path]) -> None:
    found = attempt(
        compiling[0],
        user="syscall(56, 0x10000000 | 17, 0, 0, 0, 0)",
        mounts="syscall(56, 0x20000 | 17, 0, 0, 0, 0)",
        sibling="syscall(56, 0x8000 | 17, 0, 0, 0, 0)",
        traced="syscall(56, 0x2000 | 17, 0, 0, 0, 0)",
        newer="syscall(435, 0, 88)",
        group="syscall(109, 0, 0)",
        session="syscall(112)",
        closed="os.mkdir('closed', 0o077)",
        mask="syscall(95, 0o777)",
        rename="os.rename('/dev/null', 'null')",
        unlink="os.unlink('nothing')",
        modes="os.chmod('.', 0o000)",
        socket="socket.socketpair()",
        by_descriptor="syscall(322, 0, 0, 0, 0, 0)",
    )
    assert set(found.values()) <= {"'EPERM'", "'ENOSYS'", "PermissionError"}, found
