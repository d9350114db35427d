"""What a person wants of a run, in a file that anybody may damage."""

from __future__ import annotations

import pytest

from genesys.errors import StoreError
from genesys.evolution.control import FILE, Control, Wish


def test_what_is_saved_is_read(tmp_path):
    control = Control(wish=Wish.PAUSE, designers=2, verifiers=0)
    control.save(tmp_path)
    assert Control.read(tmp_path) == control
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"wish": "dance"}', '{"designers": -1}', '{"colour": 1}', "\udcff"]
)
def test_a_damaged_file_wants_nothing(text, tmp_path):
    (tmp_path / FILE).write_bytes(text.encode("utf-8", "surrogateescape"))
    assert Control.read(tmp_path) == Control()


def test_an_absent_file_wants_nothing(tmp_path):
    assert Control.read(tmp_path / "nowhere") == Control()


def test_a_disk_that_refuses_is_told(tmp_path):
    with pytest.raises(StoreError, match="Cannot write to"):
        Control().save(tmp_path / "nowhere")
