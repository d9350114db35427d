"""Files appear whole or not at all."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from genesys.files import Draft, sha256_of, whole, write_file, write_text


def test_a_file_is_written_with_its_hash(tmp_path: Path) -> None:
    path = tmp_path / "a"
    numbers = np.arange(5)
    assert write_file(path, [b"head", numbers]) == sha256_of(path)
    assert path.read_bytes() == b"head" + numbers.tobytes()
    assert sha256_of(path) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_text_is_written_as_utf8(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "naïve ≈")
    assert (tmp_path / "a").read_bytes() == "naïve ≈".encode()


def fail() -> None:
    raise RuntimeError("killed")


def test_what_is_not_finished_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_text(path, "before")
    with pytest.raises(RuntimeError, match="killed"), whole(path) as draft:
        draft.write_text("half")
        fail()
    with pytest.raises(RuntimeError, match="killed"), Draft(path) as pieces:
        pieces.write(b"half")
        fail()
    with pytest.raises(OSError, match="No such file"), whole(path):
        pass  # nothing was written
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_text(tmp_path / "none" / "a", "text")
