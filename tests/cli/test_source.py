"""Files on disk as a design, and back."""

from difflib import SequenceMatcher, unified_diff

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesys.cli.source import Source, line_before
from genesys.errors import TreeError
from genesys.records import Issue

texts = st.lists(st.sampled_from(["a", "b", "", "@@ -1 +1 @@", "- x"]), max_size=12)


@given(texts, texts, st.integers(0, 3))
def test_lines_are_found_before_a_diff(before, after, context):
    hunks = list(unified_diff(before, after, "a", "b", lineterm="", n=context))
    diff = "\n".join(hunks)
    kept = dict(unchanged(before, after))
    for line, text in enumerate(after, 1):
        found = line_before(diff, line)
        assert 1 <= found <= max(len(before), 1) + 1
        if line in kept:
            assert found == kept[line] and before[found - 1] == text


def unchanged(before, after):
    """Lines that a diff keeps, as (after, before)."""
    for block in SequenceMatcher(None, before, after).get_matching_blocks():
        yield from ((block.b + i + 1, block.a + i + 1) for i in range(block.size))


def test_code_of_any_kind_is_read(tmp_path):
    (tmp_path / "units").mkdir()
    (tmp_path / "design.yaml").write_text("name: wild\nroot: B\nargs: {heads: 2}\n")
    for name in ("A", "B"):
        (tmp_path / "units" / f"{name}.py").write_text("def (\n")
    design = Source.read(tmp_path).design
    assert [unit.name for unit in design.units] == ["B", "A"]
    assert [(a.name, a.json_value) for a in design.args] == [("heads", "2")]


@pytest.mark.parametrize(
    "about", ["name: ../x\nroot: A", "name: x\nroot: A\nargs: {a: 2020-01-01}"]
)
def test_what_is_no_design_is_told(tmp_path, about):
    (tmp_path / "design.yaml").write_text(about)
    with pytest.raises(TreeError, match=r"\.\./x|must be JSON"):
        Source.read(tmp_path)


def test_only_units_of_the_design_become_part_of_a_path(tmp_path):
    file = tmp_path / "A.py"
    file.write_text("")
    source = Source.read(file)
    assert source.where(Issue(check="c", unit="A", line=3, message="")) == f"{file}:3"
    assert source.where(Issue(check="c", unit="../B", line=3, message="")) == "../B:3"
    assert source.where(Issue(check="c", message="")) == str(file)
