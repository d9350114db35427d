"""The works of the library as they are shipped."""

from __future__ import annotations

import re

import pytest

from genesys.errors import UnknownNameError
from genesys.gau.reference import reference_units
from genesys_knowledge.library.works import citing, work, works


def test_the_library_is_whole() -> None:
    assert len(works()) == 297
    keys = [entry.key for entry in works()]
    assert keys == sorted(set(keys))
    cited = [key for entry in works() for key in entry.cites]
    assert len(cited) == 1623
    assert set(cited) <= set(keys)
    assert sum(entry.verified for entry in works()) > 200


def test_summaries_can_be_read() -> None:
    for entry in works():
        assert "\n" not in entry.summary
        assert 40 <= len(entry.summary) <= 700, entry.key
        assert len(set(entry.tags)) == len(entry.tags) <= 4
        assert not re.search(r"[Tt]his paper|We propose|we present", entry.summary), entry.key


def test_citations_go_both_ways() -> None:
    assert "alibi" in work("3drpe").cites
    assert "3drpe" in citing("alibi")
    assert citing("a work that is not there") == []


def test_the_works_of_reference_units_are_there() -> None:
    for unit in reference_units().values():
        assert [work(key).key for key in unit.works] == list(unit.works), unit.name


def test_an_unknown_key_is_told_with_those_near_to_it() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'retnet'") as told:
        work("retnt")
    assert len(str(told.value)) < 300
