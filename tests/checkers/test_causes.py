"""The pattern of what moves says what to look for."""

from __future__ import annotations

import numpy as np
import pytest

from genesys_checkers.causes import likely_cause

LENGTH = 64
CUTS = np.arange(1, LENGTH)
POSITION = np.arange(LENGTH)[None]
EARLIER = CUTS[:, None] > POSITION


@pytest.mark.parametrize(
    ("moved", "cause"),
    [
        (EARLIER, "All earlier positions"),
        (EARLIER & (CUTS[:, None] - 1 == POSITION), "off by one"),
        (EARLIER & (CUTS[:, None] - 3 <= POSITION), "up to 3 ahead"),
        (EARLIER & (CUTS[:, None] // 16 * 16 <= POSITION), "chunks of 16"),
        (EARLIER & (LENGTH - CUTS[:, None] > POSITION), "flip"),
        (EARLIER & (POSITION == 0), "first position"),
    ],
)
def test_pattern_is_told(moved: np.ndarray, cause: str) -> None:
    assert cause in likely_cause(moved, CUTS)


def test_no_pattern_gives_no_hint() -> None:
    odd = EARLIER & ((POSITION * 7 + CUTS[:, None] * 13) % 11 == 0)
    assert likely_cause(odd, CUTS) == ""


def test_cut_after_the_first_position_could_be_anything() -> None:
    assert likely_cause(EARLIER[:1], CUTS[:1]) == ""
