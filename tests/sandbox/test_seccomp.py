"""The filter's verdicts on both machines, by running its program step by step."""

from __future__ import annotations

import struct

import pytest

from genesys.sandbox.seccomp import ALLOW, CLONE_THREAD, DENY, KILL, MISSING, _program

ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
NUMBERS = {
    "x86_64": {"read": 0, "socket": 41, "clone": 56, "fork": 57, "execve": 59, "chmod": 90}
    | {"prctl": 157, "prlimit64": 302, "io_uring_setup": 425, "clone3": 435, "mmap": 9},
    "aarch64": {"read": 63, "socket": 198, "clone": 220, "execve": 221, "fchmodat": 53}
    | {"prctl": 167, "prlimit64": 261, "io_uring_setup": 425, "clone3": 435, "mmap": 222},
}


def verdict(machine: str, number: int, argument: int = 0, arch: int | None = None) -> int:
    """Interpret the filter for one system call."""
    steps = list(struct.iter_unpack("HBBI", _program(machine)))
    fields = {0: number, 4: ARCH[machine] if arch is None else arch, 16: argument}
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
    def judge(name: str, argument: int = 0) -> int:
        return verdict(machine, NUMBERS[machine][name], argument)

    denied = set(NUMBERS[machine]) - {"read", "mmap", "clone", "clone3", "prctl", "prlimit64"}
    assert {judge(name) for name in denied} == {DENY}
    assert judge("read") == judge("mmap") == ALLOW
    assert judge("clone3") == MISSING
    assert (judge("clone", CLONE_THREAD | 0x100), judge("clone", 17)) == (ALLOW, DENY)
    assert (judge("prctl", 15), judge("prctl", 1)) == (ALLOW, DENY)
    assert (judge("prlimit64", 0), judge("prlimit64", 4242)) == (ALLOW, DENY)


@pytest.mark.parametrize("machine", ARCH)
def test_calls_by_another_convention_are_refused(machine: str) -> None:
    assert verdict(machine, 0, arch=0x40000003) == KILL
    assert verdict(machine, 0x40000000 + 41) == DENY
