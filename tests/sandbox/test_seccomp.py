"""The filter's verdicts on both machines, by running its program step by step."""

from __future__ import annotations

import struct

import pytest

from genesys.sandbox.seccomp import ALLOW, CLONE_THREAD, DENY, KILL, MISSING, _program

ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
NUMBERS = {
    "x86_64": {"read": 0, "socket": 41, "clone": 56, "fork": 57, "execve": 59, "chmod": 90}
    | {"prctl": 157, "prlimit64": 302, "io_uring_setup": 425, "clone3": 435, "mmap": 9}
    | {"open": 2, "openat": 257, "openat2": 437, "unlinkat": 263, "renameat2": 316, "mkdir": 83}
    | {"vmsplice": 278, "io_setup": 206, "inotify_init1": 294, "ioprio_set": 251}
    | {"sched_setaffinity": 203, "sched_setscheduler": 144, "sched_setattr": 314},
    "aarch64": {"read": 63, "socket": 198, "clone": 220, "execve": 221, "fchmodat": 53}
    | {"prctl": 167, "prlimit64": 261, "io_uring_setup": 425, "clone3": 435, "mmap": 222}
    | {"openat": 56, "openat2": 437, "unlinkat": 35, "renameat2": 276, "mkdirat": 34}
    | {"vmsplice": 75, "io_setup": 0, "inotify_init1": 26, "ioprio_set": 30}
    | {"sched_setaffinity": 122, "sched_setscheduler": 119, "sched_setattr": 274},
}


def verdict(
    machine: str, number: int, *arguments: int, arch: int | None = None, **grants: bool
) -> int:
    """Interpret the filter for one system call."""
    steps = list(struct.iter_unpack("HBBI", _program(machine, **grants)))
    fields = {0: number, 4: ARCH[machine] if arch is None else arch}
    fields |= {16 + 8 * n: a for n, a in enumerate((*arguments, *[0] * 6)[:6])}
    at = value = 0
    while True:
        code, yes, no, k = steps[at]
        at += 1
        match code:
            case 0x20:
                value = fields[k]
            case 0x06:
                return int(k)
            case 0x15:
                at += yes if value == k else no
            case 0x35:
                at += yes if value >= k else no
            case 0x45:
                at += yes if value & k else no


@pytest.mark.parametrize("machine", ARCH)
def test_calls_are_judged(machine: str) -> None:
    def judge(name: str, *arguments: int) -> int:
        return verdict(machine, NUMBERS[machine][name], *arguments)

    own = {"prlimit64", "sched_setaffinity", "sched_setscheduler", "sched_setattr"}
    in_part = {"mmap", "clone", "prctl", "open", "openat"} | own
    denied = set(NUMBERS[machine]) - in_part - {"read", "clone3", "openat2"}
    assert {judge(name) for name in denied} == {DENY}
    assert judge("read") == judge("mmap") == ALLOW
    assert judge("clone3") == judge("openat2") == MISSING
    assert (judge("clone", CLONE_THREAD | 0x100), judge("clone", 17)) == (ALLOW, DENY)
    assert (judge("prctl", 15), judge("prctl", 1)) == (ALLOW, DENY)
    for name in own:
        assert (judge(name, 0), judge(name, 4242)) == (ALLOW, DENY)


@pytest.mark.parametrize("machine", ARCH)
def test_memory_and_files_that_no_limit_counts_are_refused(machine: str) -> None:
    numbers = NUMBERS[machine]
    private, shared, anonymous, down, temporary = 2, 1, 0x20, 0x100, 0x410000

    def mmap(flags: int) -> int:
        return verdict(machine, numbers["mmap"], 0, 4096, 3, flags, 0xFFFFFFFF)

    assert {mmap(private), mmap(private | anonymous), mmap(shared), mmap(anonymous)} == {ALLOW}
    assert {mmap(shared | anonymous), mmap(3 | anonymous), mmap(private | down)} == {DENY}
    assert verdict(machine, numbers["openat"], 0, 0, 0o101) == ALLOW
    assert verdict(machine, numbers["openat"], 0, 0, temporary | 2) == DENY
    if "open" in numbers:
        assert verdict(machine, numbers["open"], 0, temporary | 2) == DENY


@pytest.mark.parametrize("machine", ARCH)
def test_calls_by_another_convention_are_refused(machine: str) -> None:
    assert verdict(machine, 0, arch=0x40000003) == KILL
    assert verdict(machine, 0x40000000 + 41) == DENY
    assert verdict(machine, 467) == MISSING


@pytest.mark.parametrize("machine", ARCH)
def test_a_guest_that_may_compile_can_start_processes_in_its_own_group(machine: str) -> None:
    numbers = NUMBERS[machine]
    folder, mode = ("mkdir", 1) if "mkdir" in numbers else ("mkdirat", 2)

    def judge(name: str, *arguments: int) -> int:
        return verdict(machine, numbers[name], *arguments, compiler=True)

    def make(rights: int) -> int:
        return judge(folder, *[0] * mode, rights)

    assert {judge(name) for name in ("execve", "fork") if name in numbers} == {ALLOW}
    assert {judge("clone", flags) for flags in (17, 0x4111, CLONE_THREAD)} == {ALLOW}
    for beyond in (0x2000, 0x8000, 0x20000, 0x10000000, 0x20000000, 0x40000000):
        assert judge("clone", beyond | 17) == DENY
    assert (make(0o777), make(0o700), make(0o377), make(0o577), make(0o677)) == (
        *[ALLOW] * 2,
        *[DENY] * 3,
    )
    still = {"socket", "unlinkat", "renameat2", "vmsplice", "io_uring_setup", "inotify_init1"}
    assert {judge(name) for name in still} == {DENY}
    assert judge("clone3") == MISSING


@pytest.mark.parametrize("machine", ARCH)
def test_what_cuda_does_is_for_guests_with_a_device(machine: str) -> None:
    names = ("socket", "connect", "accept4", "bind", "memfd_create", "mmap")
    numbers = dict(
        zip(
            names,
            (41, 42, 288, 49, 319, 9) if machine == "x86_64" else (198, 203, 242, 200, 279, 222),
            strict=True,
        )
    )
    unix, internet, stream, datagram, packets, close = 1, 2, 1, 2, 5, 0x80000

    def judge(name: str, *arguments: int) -> int:
        return verdict(machine, numbers[name], *arguments, device=True)

    assert judge("socket", unix, packets) == judge("socket", unix, packets | close) == ALLOW
    assert {judge("socket", unix, kind | close) for kind in (stream, datagram, 3)} == {DENY}
    assert judge("socket", internet, packets) == judge("socket", 16, packets) == DENY
    assert {judge("bind"), judge("memfd_create"), judge("mmap", 0, 0, 3, 0x21)} == {ALLOW}
    assert {judge("connect"), judge("accept4"), judge("mmap", 0, 0, 3, 0x102)} == {DENY}
    assert verdict(machine, numbers["memfd_create"]) == DENY
