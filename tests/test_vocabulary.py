"""Every word of the vocabulary is a class or module where docs/architecture.md says."""

from __future__ import annotations

import re
from pathlib import Path
from pkgutil import resolve_name

import pytest

TEXT = (Path(__file__).parent.parent / "docs" / "architecture.md").read_text("utf-8")
TABLE = TEXT.split("| word |")[1].split("\n\n")[0]
PLACES = re.findall(r"`([a-z_]+(?:\.\w+)+)`", TABLE)


@pytest.mark.parametrize("place", PLACES)
def test_a_word_is_found_where_the_table_says(place):
    assert resolve_name(place if place.startswith("genesys_") else f"genesys.{place}")


def test_the_table_is_read():
    assert len(PLACES) > 15
