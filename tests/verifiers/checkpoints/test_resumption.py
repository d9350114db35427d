"""Training checkpoints on disk: whole and one's own, or told and not used."""

from __future__ import annotations

import logging
import os
import resource
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from genesys_verifiers.checkpoints.resumption import FILE, Array, Checkpoint, Checkpoints
from genesys_verifiers.settings import Size

Told = pytest.LogCaptureFixture

ORIGIN = {"design": "a", "seed": "0"}
SIZE = Size(n_block=2, embed_dim=32, parameters=1, flops=1)
STATE = np.arange(200_000, dtype=np.uint32).view(np.uint8)


def store(folder: Path, origin: dict[str, str] = ORIGIN, seconds: float = 1.0) -> Checkpoints:
    return Checkpoints(folder, origin, seconds)


def write(checkpoints: Checkpoints, state: Array = STATE, steps: int = 7) -> None:
    checkpoints.write(SIZE, [(2.5, 0.1)] * steps, 9.0, lambda take: take(state))


def read(checkpoints: Checkpoints) -> tuple[Checkpoint, bytes] | None:
    found = checkpoints.read(SIZE)
    if found is None:
        return None
    return found, b"".join(piece.tobytes() for piece, _ in checkpoints.pieces(found))


def test_the_newest_checkpoint_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    assert read(store(tmp_path / "x")) is None
    write(store(tmp_path / "x"))
    write(store(tmp_path / "x"), STATE[::-1].copy(), steps=8)
    found = read(store(tmp_path / "x"))
    assert found
    assert found[0].history == [(2.5, 0.1)] * 8
    assert found[0].seconds == 9.0
    assert found[1] == STATE[::-1].tobytes()
    assert {path.name for path in (tmp_path / "x").iterdir()} == {FILE, "training-8.pt"}
    store(tmp_path / "x").remove()
    assert not (tmp_path / "x").exists()


def test_two_verifications_do_not_touch_each_other(tmp_path: Path) -> None:
    first, second = store(tmp_path / "a"), store(tmp_path / "b", {"design": "b"})
    second.write(SIZE, [(1.0, 1.0)], 0.0, lambda take: (write(first), take(STATE[:9]))[0])
    first.remove()
    found = read(second)
    assert found
    assert found[1] == STATE[:9].tobytes()


def cut(folder: Path) -> None:
    os.truncate(folder / "training-7.pt", STATE.nbytes - 1)


def change(folder: Path) -> None:
    with (folder / "training-7.pt").open("r+b") as file:
        file.write(b"?")


def lose(folder: Path) -> None:
    (folder / "training-7.pt").unlink()


def garble(folder: Path) -> None:
    (folder / FILE).write_bytes(b"\xff{")


def point_elsewhere(folder: Path) -> None:
    text = (folder / FILE).read_text()
    (folder / FILE).write_text(text.replace("training-7.pt", "../training-7.pt"))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (cut, "training-7.pt is cut short"),
        (change, "training-7.pt has changed since it was written"),
        (lose, "No such file"),
        (garble, "Invalid JSON"),
        (point_elsewhere, "file: String should match"),
    ],
)
def test_a_spoilt_checkpoint_is_told_and_not_used(
    tmp_path: Path, caplog: Told, spoil: Callable[[Path], None], told: str
) -> None:
    write(store(tmp_path))
    spoil(tmp_path)
    assert read(store(tmp_path)) is None
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert told in record.getMessage()
    assert "training starts from the beginning" in record.getMessage()
    assert "\n" not in record.getMessage()
    write(store(tmp_path))
    assert read(store(tmp_path))


@pytest.mark.parametrize(
    ("origin", "told"),
    [
        ({"design": "b", "seed": "0"}, "another design"),
        ({"design": "b", "seed": "1"}, "another design, seed"),
        ({"design": "a", "seed": "0", "torch": "3"}, "another torch"),
    ],
)
def test_a_foreign_checkpoint_is_told_and_not_used(
    tmp_path: Path, caplog: Told, origin: dict[str, str], told: str
) -> None:
    write(store(tmp_path))
    assert read(store(tmp_path, origin)) is None
    assert told in caplog.text


def test_a_checkpoint_of_another_size_is_not_used(tmp_path: Path, caplog: Told) -> None:
    write(store(tmp_path))
    assert store(tmp_path).read(SIZE.model_copy(update={"embed_dim": 16})) is None
    assert "another size" in caplog.text


def test_a_disk_that_fills_leaves_the_checkpoint_before(tmp_path: Path, caplog: Told) -> None:
    write(store(tmp_path), STATE[:1000])
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limit[1]))
    try:
        write(store(tmp_path), steps=8)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert "File too large" in caplog.text
    assert "Training goes on" in caplog.text
    found = read(store(tmp_path))
    assert found
    assert found[1] == STATE[:1000].tobytes()
    assert {path.name for path in tmp_path.iterdir()} == {FILE, "training-7.pt"}


def test_what_a_killed_process_left_is_cleared(tmp_path: Path) -> None:
    (tmp_path / ".training-3.pt.99.tmp").write_bytes(b"half")
    write(store(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {FILE, "training-7.pt"}
