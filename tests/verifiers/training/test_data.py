"""Batches of training tokens from one file, or from a folder of shards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genesys_verifiers.settings import token_type
from genesys_verifiers.training.data import Batches

LENGTH = 8


def write(path: Path, tokens: Any, dtype: str = "uint16") -> Path:
    np.asarray(tokens).astype(dtype).tofile(path)
    return path


def windows(batches: Batches) -> list[list[int]]:
    return [row for batch in batches for row in batch.tolist()]


def shards(folder: Path, *sizes: int, dtype: str = "uint16") -> Path:
    """Files of consecutive numbers, each from its own thousand on."""
    for index, size in enumerate(sizes):
        write(folder / f"{index:05}-000.bin", 1000 * index + np.arange(size), dtype)
    return folder


def test_a_folder_of_one_shard_is_a_file(tmp_path: Path) -> None:
    folder = shards(tmp_path, 200)
    from_file = Batches(folder / "00000-000.bin", 20, 3, LENGTH, seed=1)
    assert windows(from_file) == windows(Batches(folder, 20, 3, LENGTH, seed=1))


def test_a_window_lies_in_one_shard(tmp_path: Path) -> None:
    found = windows(Batches(shards(tmp_path, 100, 5, 60), 30, 4, LENGTH, seed=2))
    assert all(row == list(range(row[0], row[0] + LENGTH + 1)) for row in found)
    assert {row[0] // 1000 for row in found} == {0, 2}
    assert all(row[-1] % 1000 < (100, 5, 60)[row[0] // 1000] for row in found)


def test_a_pass_takes_each_window_once(tmp_path: Path) -> None:
    starts = [row[0] for row in windows(Batches(shards(tmp_path, 81, 81), 19, 1, LENGTH, seed=3))]
    assert len(set(starts[:18])) == 18


def test_a_later_start_goes_on_in_the_same_order(tmp_path: Path) -> None:
    folder = shards(tmp_path, 100, 60)
    whole = windows(Batches(folder, 12, 2, LENGTH, seed=4))
    assert windows(Batches(folder, 12, 2, LENGTH, seed=4, start=5)) == whole[10:]


def test_large_vocabularies_have_larger_tokens(tmp_path: Path) -> None:
    assert (token_type(65_536), token_type(65_537)) == ("uint16", "uint32")
    write(tmp_path / "00000-000.bin", 70_000 + np.arange(50), "uint32")
    found = windows(Batches(tmp_path, 4, 2, LENGTH, seed=5, dtype="uint32"))
    assert all(70_000 <= row[0] == row[-1] - LENGTH for row in found)


@pytest.mark.parametrize("sizes", [(), (LENGTH,), (LENGTH, 3)])
def test_too_few_tokens_are_told(tmp_path: Path, sizes: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="too few for 8 in a row"):
        Batches(shards(tmp_path, *sizes), 1, 1, LENGTH, seed=0)
