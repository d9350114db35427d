"""A seccomp filter: no network, no other processes, no way around the file rules and the limits.

Landlock rules files; this closes what it leaves open. A scratch folder is flat and its files stay:
so its size can be watched, and nothing in it is too deep to be removed. A guest that may run a
compiler can start processes in its own process group, and make folders that can be looked into. The
filter is written by hand because the wrapper libraries need a C library that is often not
installed.
"""

from __future__ import annotations

import ctypes
import errno
import itertools
import os
import platform
import struct
from dataclasses import dataclass

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
SECCOMP_MODE_FILTER = 2
CLONE_THREAD = 0x10000
# PTRACE, PARENT, NEWNS, UNTRACED, and the other namespaces.
CLONE_BEYOND = 0x2000 | 0x8000 | 0x20000 | 0x800000 | 0x7E000000
O_TMPFILE = 0x400000
MAP_SHARED, MAP_ANONYMOUS, MAP_GROWSDOWN = 0x01, 0x20, 0x100
AF_UNIX, SOCK_DGRAM, SOCK_RDM = 1, 2, 4

ALLOW = 0x7FFF0000
KILL = 0x80000000
DENY = 0x00050000 | errno.EPERM
# The C library answers this by using clone, whose flags a filter can see.
MISSING = 0x00050000 | errno.ENOSYS

# Calls from here on are newer than this list, so it does not know what they can do.
NEWER = 467

_LOAD, _EQUAL, _GREATER, _BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ARGUMENTS = 16  # where the arguments lie, 8 bytes each

# What is denied outright, by machine.
_X86_64 = {
    # socket, socketpair (descriptors in flight are hidden) and io_uring, which can open one
    "network": (41, 53, 425, 426, 427),
    # rename, mkdir, rmdir, unlink, also relative to a folder
    "names": (82, 83, 84, 87, 258, 263, 264, 316),
    "process": (57, 58, 59, 322, 109, 112),  # fork, vfork, execve(at), setpgid, setsid
    # ptrace, setpriority, ioprio_set, process_vm_*, kcmp, pidfd_*, process_madvise
    "others": (101, 141, 251, 310, 311, 312, 434, 438, 440),
    "mounts": (155, 161, 165, 166, 272, 308, 428, 429, 430, 431, 432, 433, 442),
    # chmod, chown, utimes, xattr: Landlock does not rule these
    "modes": (90, 91, 92, 93, 94, 260, 268, 452),
    "attributes": (132, 188, 189, 190, 197, 198, 199, 235, 261, 280, 463, 466),
    "devices": (133, 259, 304),  # mknod, open_by_handle_at
    "room": (285,),  # fallocate takes disk faster than anyone can watch
    "rules": (444, 445, 446),  # Landlock's own, which take memory of the kernel
    "keys": (248, 249, 250),
    "clock": (159, 164, 227, 305),
    "kernel": (103, 163, 167, 168, 169, 170, 171, 172, 173, 175, 176, 179, 246),
    "newer kernel": (298, 313, 320, 321, 323),
    # shared memory outlives the job; memfd, pages in pipes (vmsplice) and aio are uncounted
    "hidden memory": (29, 64, 68, 206, 240, 278, 319, 447),
    "watches": (253, 294, 300),  # inotify and fanotify: names of files anywhere
}
_AARCH64 = {
    "network": (198, 199, 425, 426, 427),
    "names": (34, 35, 38, 276),
    "process": (221, 281, 154, 157),
    "others": (30, 117, 140, 270, 271, 272, 434, 438, 440),
    "mounts": (39, 40, 41, 51, 97, 268, 428, 429, 430, 431, 432, 433, 442),
    "attributes": (5, 6, 7, 14, 15, 16, 52, 53, 54, 55, 88, 452, 463, 466),
    "devices": (33, 265),
    "room": (47,),
    "rules": (444, 445, 446),
    "keys": (217, 218, 219),
    "clock": (112, 170, 171, 266),
    "kernel": (60, 89, 104, 105, 106, 116, 142, 161, 162, 224, 225),
    "newer kernel": (241, 273, 280, 282, 294),
    "hidden memory": (0, 75, 180, 186, 190, 194, 279, 447),
    "watches": (26, 262),
}


@dataclass(frozen=True)
class _Machine:
    """Numbers of one machine: its AUDIT_ARCH, and calls that are denied in part or by ENOSYS."""

    arch: int
    clone: int
    clone3: int
    openat2: int
    prctl: int
    own: tuple[int, ...]  # prlimit64, sched_set*: denied for other processes
    mmap: int
    folders: tuple[tuple[int, int], ...]  # mkdir, mkdirat, and which argument holds the mode
    umask: int
    start: tuple[int, ...]  # fork, vfork, execve
    opens: tuple[tuple[int, int], ...]  # and which argument holds the flags
    socket: int
    peers: tuple[int, ...]  # connect, accept, accept4
    memfd: int
    denied: dict[str, tuple[int, ...]]


_MACHINES = {
    "x86_64": _Machine(
        arch=0xC000003E,
        clone=56,
        clone3=435,
        openat2=437,
        prctl=157,
        own=(302, 142, 144, 203, 314),
        mmap=9,
        folders=((83, 1), (258, 2)),
        umask=95,
        start=(57, 58, 59),
        opens=((2, 1), (257, 2)),
        socket=41,
        peers=(42, 43, 288),
        memfd=319,
        denied=_X86_64,
    ),
    "aarch64": _Machine(
        arch=0xC00000B7,
        clone=220,
        clone3=435,
        openat2=437,
        prctl=167,
        own=(261, 118, 119, 122, 274),
        mmap=222,
        folders=((34, 2),),
        umask=166,
        start=(221,),
        opens=((56, 2),),
        socket=198,
        peers=(203, 202, 242),
        memfd=279,
        denied=_AARCH64,
    ),
}


def _program(name: str, compiler: bool = False, device: bool = False) -> bytes:
    """The filter as an array of ``struct sock_filter``; see :func:`install`."""
    machine = _MACHINES[name]

    def step(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
        return struct.pack("HBBI", code, yes, no, value)

    def answer(number: int, verdict: int) -> list[bytes]:
        return [step(_EQUAL, number, 0, 1), step(_RETURN, verdict)]

    def deny(number: int, position: int, test: int, value: int, *, when: bool) -> list[bytes]:
        # Deny `number` when testing the argument at `position` comes out as `when`.
        yes, no = (0, 1) if when else (1, 0)
        return [
            step(_EQUAL, number, 0, 4),
            step(_LOAD, _ARGUMENTS + 8 * position),
            step(test, value, yes, no),
            step(_RETURN, DENY),
            step(_LOAD, 0),
        ]

    code = [step(_LOAD, 4), step(_EQUAL, machine.arch, 1, 0), step(_RETURN, KILL), step(_LOAD, 0)]
    # The 32-bit calls of x86-64 have numbers of their own above this bit.
    code += [step(_GREATER, 0x40000000, 0, 1), step(_RETURN, DENY)]
    code += [step(_GREATER, NEWER, 0, 1), step(_RETURN, MISSING)]
    code += answer(machine.clone3, MISSING) + answer(machine.openat2, MISSING)
    denied = {n for group in machine.denied.values() for n in group}
    if compiler:
        denied = denied - {*machine.start, *dict(machine.folders)} | {machine.umask}
        code += deny(machine.clone, 0, _BITS, CLONE_BEYOND, when=True)
        for (number, position), right in itertools.product(machine.folders, (0o400, 0o200, 0o100)):
            code += deny(number, position, _BITS, right, when=False)
    else:
        code += deny(machine.clone, 0, _BITS, CLONE_THREAD, when=False)
    if device:
        denied = denied - {machine.socket, machine.memfd} | {*machine.peers}
        # What is left of Unix sockets is SOCK_SEQPACKET, which without a peer says nothing.
        code += deny(machine.socket, 0, _EQUAL, AF_UNIX, when=False)
        code += deny(machine.socket, 1, _BITS, SOCK_DGRAM, when=True)
        code += deny(machine.socket, 1, _BITS, SOCK_RDM, when=False)
    for number in sorted(denied):
        code += answer(number, DENY)
    code += deny(machine.prctl, 0, _EQUAL, PR_SET_PDEATHSIG, when=True)
    for number in machine.own:
        code += deny(number, 0, _EQUAL, 0, when=False)
    for number, position in machine.opens:
        code += deny(number, position, _BITS, O_TMPFILE, when=True)
    code += deny(machine.mmap, 3, _BITS, MAP_GROWSDOWN, when=True)
    if not device:  # of shared memory, RLIMIT_DATA sees none, and the resident set what is mapped
        code += [
            step(_EQUAL, machine.mmap, 0, 4),
            step(_LOAD, _ARGUMENTS + 8 * 3),
            step(_BITS, MAP_SHARED, 0, 2),
            step(_BITS, MAP_ANONYMOUS, 0, 1),
            step(_RETURN, DENY),
        ]
    return b"".join([*code, step(_RETURN, ALLOW)])


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def prctl(option: int, *arguments: object) -> None:
    """Set an option of this process by the system call of this name.

    Raises:
        OSError: It failed.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, *arguments, *[ctypes.c_ulong(0)] * (4 - len(arguments))) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"prctl {option}: {os.strerror(code)}")


def install(compiler: bool = False, device: bool = False) -> None:
    """Put the filter on this process and those that it starts, for good.

    Args:
        compiler: Whether it may start processes.
        device: Whether it may do what CUDA takes: make a Unix socket that reaches nobody, and
            memory that is shared.

    Raises:
        OSError: The machine is not known here, or the kernel has no seccomp.
    """
    machine = platform.machine()
    if machine not in _MACHINES:
        raise OSError(errno.ENOSYS, f"no seccomp filter is written for {machine}")
    code = _program(machine, compiler, device)
    prctl(PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1))
    program = _Filter(len(code) // 8, code)
    prctl(PR_SET_SECCOMP, ctypes.c_ulong(SECCOMP_MODE_FILTER), ctypes.byref(program))
