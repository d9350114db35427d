"""Attacks on files: what generated code can neither read nor change nor leave behind."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from genesys.sandbox import Sandbox

from .conftest import CANARY, CONFINED, LIMITS, attempt, execute, hostile, processes

SITE = Path(sysconfig.get_path("purelib"))


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A file of another run."""
    folder = tmp_path / "runs" / "other"
    folder.mkdir(parents=True)
    (folder / "evolution.lance").write_text(CANARY)
    return folder / "evolution.lance"


@pytest.fixture
def in_home() -> Iterator[Path]:
    path = Path.home() / f".{CANARY}-{os.getpid()}"
    path.write_text(CANARY)
    yield path
    path.unlink()


def look(folder: Path) -> dict[str, tuple[bytes, int, int]]:
    """All that can be told of the files in a folder."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(p): (p.read_bytes(), p.stat().st_mode, p.stat().st_mtime_ns) for p in paths}


def test_secrets_cannot_be_read(confined: Sandbox, victim: Path, in_home: Path) -> None:
    ways = {
        "plain": "open({path!r}).read()",
        "raw": "os.read(os.open({path!r}, os.O_RDONLY), 99)",
        "root": "open('/proc/self/root{path}').read()",
        "coordinator": "open('/proc/{pid}/root{path}').read()",
        "cwd": "open('/proc/{pid}/cwd/../../../../..{path}').read()",
        "link": "os.symlink({path!r}, 's{n}') or open('s{n}').read()",
        "hard": "os.link({path!r}, 'h{n}') or open('h{n}').read()",
        "path": "open('/proc/self/fd/%d' % os.open({path!r}, os.O_PATH)).read()",
        "up": "open(os.path.relpath({path!r})).read()",
        "mapped": "mmap.mmap(os.open({path!r}, os.O_RDWR), 0)[:]",
        "names": "os.listdir(os.path.dirname({path!r}))",
        "bytes": "ctypes.CDLL({path!r})",
    }
    code = {
        f"{name}{n}": way.format(path=str(path), pid=os.getpid(), n=n)
        for name, way in ways.items()
        for n, path in enumerate((victim, in_home, Path("/etc/shadow")))
    }
    found = attempt(confined, **code)
    assert CANARY not in str(found)
    assert "root:" not in str(found)
    allowed = {"PermissionError", "FileNotFoundError", "OSError", "NotADirectoryError"}
    # A folder above one that may be used exists in the namespace; what it shows is empty.
    assert {v for k, v in found.items() if not k.startswith("names")} <= allowed, found


def test_environments_cannot_be_read(
    confined: Sandbox, monkeypatch: pytest.MonkeyPatch, bystander: psutil.Process
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", CANARY)
    assert CANARY in str(bystander.environ())
    code = """
seen = [repr(dict(os.environ))]
for pid in (*range(1, 99), *OTHERS, os.getppid(), 'self', 'thread-self'):
    for name in ('environ', 'cmdline', 'maps', 'mem', 'auxv', 'cwd/x'):
        try: seen.append(repr(open(f'/proc/{pid}/{name}', 'rb').read(2**16)))
        except OSError: pass
libc = ctypes.CDLL(None)
libc.getenv.restype = ctypes.c_char_p
answer['seen'] = repr(libc.getenv(b'ANTHROPIC_API_KEY')) + ''.join(seen)
"""
    others = (os.getpid(), bystander.pid, *(host.pid for host in processes()[0]))
    seen = execute(confined, code.replace("OTHERS", str(others)))["seen"]
    assert "PATH" in seen
    assert CANARY not in seen


def test_nothing_outside_can_be_changed(confined: Sandbox, victim: Path, in_home: Path) -> None:
    before = look(victim.parent)
    targets = [victim, in_home, Path(os.__file__), SITE / "torch" / "__init__.py"]
    contents = [path.read_bytes() for path in targets]
    ways = {
        "write": "open({path!r}, 'w').write('x')",
        "append": "open({path!r}, 'a').write('x')",
        "create": "open({path!r} + '.new', 'w')",
        "remove": "os.remove({path!r})",
        "rename": "os.rename({path!r}, {path!r} + '2')",
        "replace": "open('r{n}', 'w') and os.replace('r{n}', {path!r})",
        "truncate": "os.truncate({path!r}, 0)",
        "mode": "os.chmod({path!r}, 0o777)",
        "owner": "os.chown({path!r}, 1, 1)",
        "times": "os.utime({path!r}, (0, 0))",
        "attribute": "os.setxattr({path!r}, 'user.x', b'x')",
        "folder": "os.mkdir({path!r} + '.d')",
        "device": "os.mknod({path!r} + '.n')",
        "linked": "os.symlink({path!r}, 'l{n}') or open('l{n}', 'a').write('x')",
    }
    code = {
        f"{name}{n}": way.format(path=str(path), n=n)
        for name, way in ways.items()
        for n, path in enumerate(targets)
    }
    found = attempt(confined, **code)
    assert {v for k, v in found.items()} <= {"PermissionError", "OSError", "FileNotFoundError"}
    assert look(victim.parent) == before
    assert [path.read_bytes() for path in targets] == contents
    assert not [p for t in targets for p in t.parent.glob(f"{t.name}.*") if p.suffix in (".new",)]


def test_machine_cannot_be_set(confined: Sandbox) -> None:
    settings = ("kernel/core_pattern", "kernel/hostname", "vm/overcommit_memory")
    before = [Path("/proc/sys", name).read_text() for name in settings]
    code = {name: f"open('/proc/sys/{name}', 'w').write('x')" for name in settings}
    found = attempt(
        confined,
        **code,
        sysrq="open('/proc/sysrq-trigger', 'w').write('h')",
        online="open('/sys/devices/system/cpu/cpu1/online', 'w').write('0')",
        cgroup="open('/sys/fs/cgroup/x', 'w')",
        memory="open('/dev/mem', 'rb')",
        kernel="open('/proc/kcore', 'rb').read(1)",
        disk="open('/dev/vda', 'rb')",
        terminal="open('/dev/tty', 'w')",
        shared="open('/dev/shm/x', 'w')",
        zero="open('/dev/zero', 'rb')",
    )
    assert set(found.values()) <= {"PermissionError", "OSError", "FileNotFoundError"}, found
    assert [Path("/proc/sys", name).read_text() for name in settings] == before


@pytest.mark.parametrize("backend", CONFINED)
def test_dropped_code_reaches_neither_the_next_guest_nor_the_next_host(
    backend: str, tmp_path: Path
) -> None:
    drop = """
text = "import builtins; builtins.dropped = 1"
places = [os.getcwd(), os.path.dirname(os.getcwd()), os.path.dirname(os.__file__), '/tmp', SITE]
for place in places:
    for name in ('sitecustomize.py', 'usercustomize.py', 'x.pth', 'torch.py', 'json.py'):
        try: open(f'{place}/{name}', 'w').write(text)
        except OSError: pass
try: os.makedirs('.local/lib/python3.11/site-packages')
except OSError: pass
class Hook:
    def find_spec(self, *_): import builtins; builtins.dropped = 1
sys.meta_path.insert(0, Hook())
sys.path.insert(0, os.getcwd())
import builtins
builtins.dropped = 1
"""
    with Sandbox(LIMITS, tmp_path, backend, preload=["numpy"]) as sandbox:
        before = {path.name for path in SITE.iterdir()}
        execute(sandbox, drop.replace("SITE", repr(str(SITE))))
        ask = {"dropped": "hasattr(__import__('builtins'), 'dropped')", "here": "os.listdir()"}
        assert attempt(sandbox, **ask) == {"dropped": "False", "here": "[]"}
        sandbox.close()
        assert list(tmp_path.iterdir()) == []
        assert attempt(sandbox, **ask) == {"dropped": "False", "here": "[]"}
    assert {path.name for path in SITE.iterdir()} == before


@pytest.mark.parametrize("backend", CONFINED)
def test_scratch_of_another_guest_is_out_of_reach(backend: str, tmp_path: Path) -> None:
    with (
        Sandbox(LIMITS, tmp_path, backend, workers=2, preload=["numpy"]) as sandbox,
        sandbox.open(hostile(sandbox)) as one,
        sandbox.open(hostile(sandbox)) as other,
    ):
        one.call("execute", code="open('mine', 'w').write('x')")
        mine = one.call("facts")["scratch"]
        assert other.call("facts")["scratch"] != mine
        found = other.call(
            "attempt",
            read=f"open('{mine}/mine').read()",
            write=f"open('{mine}/mine', 'w')",
            create=f"open('{mine}/other', 'w')",
            names=f"os.listdir('{mine}')",
            remove=f"os.remove('{mine}/mine')",
            above="open('../x', 'w')",
        )
        assert set(found.values()) <= {"PermissionError", "OSError", "FileNotFoundError"}
        assert one.call("facts")["files"] == ["mine"]
        assert one.call("attempt", mine="open('mine').read()") == {"mine": "'x'"}


def test_corpus_can_be_read_and_not_changed(confined: Sandbox, tmp_path: Path) -> None:
    corpus, answers = tmp_path / "corpus", tmp_path / "evaluation"
    for folder in (corpus, answers):
        folder.mkdir()
        (folder / "text").write_text(CANARY)
    before = look(tmp_path)
    path = str(corpus / "text")
    code = {
        "read": f"open({path!r}).read()",
        "write": f"open({path!r}, 'r+').write('x')",
        "truncate": f"os.truncate({path!r}, 0)",
        "create": f"open({path + '2'!r}, 'w')",
        "mapped": f"mmap.mmap(os.open({path!r}, os.O_RDWR), 0)",
        "answers": f"open({str(answers / 'text')!r}).read()",
        "around": f"open({str(corpus / '..' / 'evaluation' / 'text')!r}).read()",
    }
    # The answers were open to an earlier guest; this one must not inherit that.
    for folders, read in [([answers, corpus], "read"), ([corpus], "read")]:
        with confined.open(hostile(confined, readable=list(map(str, folders)))) as guest:
            found = guest.call("attempt", **code)
        assert found.pop(read) == repr(CANARY)
    assert set(found.values()) <= {"PermissionError", "OSError", "FileNotFoundError"}, found
    assert look(tmp_path) == before


def test_scratch_stays_flat_and_watched(confined: Sandbox) -> None:
    found = attempt(
        confined,
        file="open('x', 'w')",
        removed="os.remove('x')",
        moved="os.rename('x', 'y')",
        nameless="os.open('.', os.O_TMPFILE | os.O_RDWR)",
        folder="os.mkdir('d')",
        in_flight="socket.socketpair()",
        memory_file="os.memfd_create('x')",
        pages_in_a_pipe="syscall(278, os.pipe()[1], 0, 0, 0)",
    )
    assert found.pop("file").startswith("<_io")
    assert found.pop("pages_in_a_pipe") in ("'EPERM'", "PermissionError")
    assert set(found.values()) == {"PermissionError"}, found
