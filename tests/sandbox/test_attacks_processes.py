"""Attacks on other processes and the network: none gets out, none is reached."""

from __future__ import annotations

import os
import platform
import signal
import socket
from pathlib import Path

import psutil
import pytest

from genesys.sandbox import Sandbox

from .conftest import attempt, execute, hostile, is_gone, processes

DENIED = {"'EPERM'", "'ENOSYS'", "PermissionError"}
ON_X86 = pytest.mark.skipif(platform.machine() != "x86_64", reason="numbers are of x86-64")


def test_network_is_out_of_reach(confined: Sandbox, tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.socket(socket.AF_UNIX) as unix,
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        udp.bind(("127.0.0.1", 0))
        unix.bind(str(tmp_path / "socket"))
        abstract.bind(f"\0genesys-{os.getpid()}")
        servers = [tcp, unix, abstract]
        for server in (unix, abstract):
            server.listen()
        found = attempt(
            confined,
            tcp=f"socket.create_connection(('127.0.0.1', {tcp.getsockname()[1]}), 1)",
            udp="socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
            v6="socket.socket(socket.AF_INET6)",
            unix=f"socket.socket(socket.AF_UNIX).connect({str(tmp_path / 'socket')!r})",
            pair="socket.socketpair()",
            raw="socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
            icmp="socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)",
            netlink="socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
            vsock="socket.socket(socket.AF_VSOCK)",
            kernel="socket.socket(socket.AF_ALG)",
            server="socket.create_server(('127.0.0.1', 0))",
            name="socket.getaddrinfo('example.org', 80)",
            ring="syscall(425, 8, 0)",
            raw_call="syscall(41, 2, 1, 0)" if platform.machine() == "x86_64" else "1 / 0",
            c="ctypes.CDLL(None).socket(2, 1, 0)",
        )
        assert found.pop("c") == "-1"
        refused = DENIED | {"gaierror", "ZeroDivisionError"}
        assert set(found.values()) <= refused, found
        for server in [*servers, udp]:
            server.settimeout(0.1)
            with pytest.raises(TimeoutError):
                server.recvfrom(9) if server is udp else server.accept()


SPAWN = {
    "run": "subprocess.run(['/bin/sh', '-c', 'touch TARGET'])",
    "system": "os.system('touch TARGET') and 1 / 0",
    "popen": "os.popen('touch TARGET').read() or 1 / 0",
    "spawn": "os.posix_spawn('/bin/touch', ['touch', 'TARGET'], {})",
    "exec": "os.execv('/bin/touch', ['touch', 'TARGET'])",
    "python": "os.execv(sys.executable, ['python', '-c', 'open(\"TARGET\", \"w\")'])",
    "fork": "os.fork()",
    "forkpty": "os.forkpty()",
    "worker": "__import__('multiprocessing').get_context('fork').Process(target=print).start()",
    "library": "ctypes.CDLL(None).fork() == -1 and 1 / 0",
}


def test_no_program_starts(confined: Sandbox, tmp_path: Path) -> None:
    target = tmp_path / "started"
    with confined.open(hostile(confined)) as guest:
        code = {name: way.replace("TARGET", str(target)) for name, way in SPAWN.items()}
        found = guest.call("attempt", **code)
        refused = {"PermissionError", "ZeroDivisionError", "FileNotFoundError"}
        assert set(found.values()) <= refused, found
        assert len(processes()[1]) == 1
    assert not target.exists()


@ON_X86
def test_fork_bomb_is_one_process(confined: Sandbox) -> None:
    bomb = """
for _ in range(2000):
    # fork, vfork, and clone with and without the flags of vfork; clone3
    for number, *arguments in [(57,), (58,), (56, 17, 0, 0, 0, 0), (56, 0x4000), (435, 0, 88)]:
        if syscall(number, *arguments) not in ('EPERM', 'ENOSYS'): answer['born'] = number
"""
    with confined.open(hostile(confined)) as guest:
        assert guest.call("execute", code=bomb) == {}
        assert len(processes()[1]) == 1


def test_no_signal_arrives(confined: Sandbox, bystander: psutil.Process) -> None:
    attempt(confined)
    hosts = processes()[0]
    got: list[int] = []
    caught = (signal.SIGTERM, signal.SIGUSR1, signal.SIGIO, signal.SIGHUP, signal.SIGCONT)
    before = {number: signal.signal(number, lambda n, _: got.append(n)) for number in caught}
    try:
        shots = """
import fcntl
for pid in (*TARGETS, os.getppid(), 1, 0, -1, -os.getppid(), -TARGETS[0]):
    for number in (0, 1, 9, 15, 10, 18, 19, 29):
        if pid in (0, -1) and number in (9, 15, 1, 10, 19, 29): continue  # would hit itself
        for shoot in (
            lambda: os.kill(pid, number),
            lambda: os.killpg(abs(pid), number) if pid not in (0, -1) else None,
            lambda: syscall(234, pid, pid, number),
            lambda: syscall(200, pid, number),
            lambda: syscall(129, pid, number, (ctypes.c_int * 32)(number, 0, -1)),
            lambda: syscall(424, os.open(f'/proc/{pid}', os.O_RDONLY), number, 0, 0),
        ):
            try: shoot()
            except OSError: pass
    # The kernel sends a signal of one's choice when a pipe can be read.
    reader, writer = os.pipe()
    try:
        fcntl.fcntl(reader, fcntl.F_SETOWN, pid)
        fcntl.fcntl(reader, 10, signal.SIGKILL)
        fcntl.fcntl(reader, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
        if pid not in (0, -1): os.write(writer, b'x')
    except OSError: pass
    os.close(reader), os.close(writer)
"""
        targets = (os.getpid(), bystander.pid, *(host.pid for host in hosts))
        execute(confined, shots.replace("TARGETS", str(targets)))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert got == []
    assert not is_gone(bystander.pid)
    assert bystander.status() != psutil.STATUS_STOPPED
    attempt(confined)
    assert processes()[0] == hosts


def test_no_process_is_traced_or_read(confined: Sandbox, bystander: psutil.Process) -> None:
    with confined.open(hostile(confined)) as guest:
        (host,), _ = processes()
        for pid in (os.getpid(), bystander.pid, host.pid, "os.getppid()"):
            found = guest.call(
                "attempt",
                attach=f"ctypes.CDLL(None).ptrace(16, {pid}, 0, 0)",
                seize=f"ctypes.CDLL(None).ptrace(0x4206, {pid}, 0, 0)",
                reads=f"open(f'/proc/{{{pid}}}/mem', 'rb')",
                writes=f"open(f'/proc/{{{pid}}}/mem', 'r+b')",
                maps=f"open(f'/proc/{{{pid}}}/maps').read() or 1 / 0",
                descriptors=f"open(f'/proc/{{{pid}}}/fd/0')",
                copies="syscall(310, PID, 0, 0, 0, 0, 0)".replace("PID", str(pid)),
                pokes="syscall(311, PID, 0, 0, 0, 0, 0)".replace("PID", str(pid)),
            )
            refused = {"-1", "FileNotFoundError", "ZeroDivisionError", *DENIED}
            assert set(found.values()) <= refused, found
    assert "TracerPid:\t0" in Path(f"/proc/{bystander.pid}/status").read_text()


def test_priorities_of_others_are_theirs(confined: Sandbox, bystander: psutil.Process) -> None:
    def facts(process: psutil.Process) -> tuple[object, ...]:
        limit = process.rlimit(psutil.RLIMIT_NOFILE)
        return process.nice(), process.cpu_affinity(), process.ionice(), limit

    others = (psutil.Process(), bystander)
    before = [facts(process) for process in others]
    for pid in (process.pid for process in others):
        found = attempt(
            confined,
            nice=f"os.setpriority(os.PRIO_PROCESS, {pid}, 19)",
            all_nice="os.setpriority(os.PRIO_USER, os.getuid(), 19)",
            cores=f"os.sched_setaffinity({pid}, [0])",
            idle=f"os.sched_setscheduler({pid}, os.SCHED_IDLE, os.sched_param(0))",
            limits=f"resource.prlimit({pid}, resource.RLIMIT_NOFILE, (1, 1))",
            own="resource.setrlimit(resource.RLIMIT_DATA, (-1, -1))",
        )
        assert set(found.values()) <= {"PermissionError", "ValueError"}, found
    assert [facts(process) for process in others] == before


CALLS = {
    "mount": 165, "umount2": 166, "unshare": 272, "setns": 308, "io_uring_setup": 425,
    "io_uring_enter": 426, "bpf": 321, "keyctl": 250, "add_key": 248, "request_key": 249,
    "perf_event_open": 298, "userfaultfd": 323, "process_vm_readv": 310, "process_vm_writev": 311,
    "pidfd_open": 434, "pidfd_getfd": 438, "memfd_create": 319, "memfd_secret": 447,
    "kexec_load": 246, "init_module": 175, "finit_module": 313, "reboot": 169, "swapon": 167,
    "sethostname": 170, "settimeofday": 164, "clock_settime": 227, "chroot": 161,
    "pivot_root": 155, "open_tree": 428, "move_mount": 429, "fsopen": 430, "mount_setattr": 442,
    "open_by_handle_at": 304, "quotactl": 179, "acct": 163, "ioperm": 173, "iopl": 172,
    "kcmp": 312, "fanotify_init": 300, "inotify_init": 253, "inotify_init1": 294, "shmget": 29,
    "mq_open": 240, "msgget": 68, "semget": 64, "syslog": 103, "ptrace": 101, "setsid": 112,
    "setpgid": 109, "mknod": 133, "socket as x32": 0x40000000 + 41, "openat2": 437,
    "clone3": 435, "execve": 59, "execveat": 322, "vmsplice": 278, "newest": 470,
}  # fmt: skip


@ON_X86
def test_system_calls_that_lead_out_are_refused(confined: Sandbox) -> None:
    name = platform.node()
    found = attempt(confined, **{k: f"syscall({n}, 0, 0, 0, 0, 0)" for k, n in CALLS.items()})
    assert {k: v for k, v in found.items() if v not in DENIED} == {}
    found = attempt(
        confined,
        outlive="ctypes.CDLL(None).prctl(1, 0)",
        user="ctypes.CDLL(None).setuid(12)",
        group="ctypes.CDLL(None).setgid(12)",
        rights="ctypes.CDLL(None).capset((ctypes.c_uint32 * 2)(0x20080522, 0), "
        "(ctypes.c_uint32 * 6)(*[2**32 - 1] * 6))",
        unfiltered="ctypes.CDLL(None).prctl(22, 0, 0)",
        unlimited="ctypes.CDLL(None).setrlimit(2, (ctypes.c_ulong * 2)(-1, -1))",
    )
    assert set(found.values()) == {"-1"}, found
    assert platform.node() == name
