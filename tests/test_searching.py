"""Searches: all sources at the same time, what came in time, within a budget of tokens."""

from __future__ import annotations

import threading
import time

import pytest

from genesys.errors import ConfigError, PluginError, SourceError
from genesys.markers import hookimpl
from genesys.passages import CHARACTERS_PER_TOKEN, CUT, shortened, trimmed
from genesys.plugins import Plugins
from genesys.population.population import Population
from genesys.records import Finding, Found, Missing, Query


def finding(source, rank=1, text="Text.", name=None):
    name = f"{source}:{rank}" if name is None else name
    return Finding(source=source, title=f"Title {rank}", text=text, score=1 / rank, id=name)


class Source:
    """Gives what it is given, or raises it, after a while."""

    def __init__(self, *given, wait=lambda: None):
        self.given, self.wait = given, wait

    @hookimpl
    def search(self, query):
        self.wait()
        for one in self.given:
            if isinstance(one, Exception):
                raise one
        return list(self.given)


def search(seconds=5.0, tokens=8000, **sources):
    named = {f"knowledge.{name}": source for name, source in sources.items()}
    return Plugins(named, seconds).search(Population(), Query(tokens=tokens))


def ids(found):
    return [one.id for one in found.findings]


def test_all_are_asked_at_the_same_time_and_answer_in_order():
    both = threading.Barrier(2, timeout=5)
    first = Source(finding("a"), wait=lambda: (both.wait(), time.sleep(0.05)))
    found = search(a=first, b=Source(finding("b"), wait=both.wait))
    assert ids(found) == ["a:1", "b:1"]
    assert found.missing == [] and found.query == Query()


def test_a_source_that_cannot_answer_is_told_of():
    down = Source(SourceError("arxiv", "it answered 503", "Try again later."))
    found = search(arxiv=down, b=Source(finding("b")))
    assert ids(found) == ["b:1"]
    told = Missing(source="arxiv", reason="it answered 503", hint="Try again later.")
    assert found.missing == [told]


def test_a_part_of_a_source_may_answer():
    found = search(a=Source(SourceError("a", "one shelf is gone", found=[finding("a")])))
    assert ids(found) == ["a:1"]
    assert [one.reason for one in found.missing] == ["one shelf is gone"]


def test_a_slow_source_is_left_behind():
    over = threading.Event()
    started = time.monotonic()
    found = search(0.1, slow=Source(finding("slow"), wait=over.wait), b=Source(finding("b")))
    assert time.monotonic() - started < 3
    over.set()
    assert ids(found) == ["b:1"]
    assert [(one.source, one.reason) for one in found.missing] == [
        ("slow", "it gave no answer within 0.1 seconds")
    ]
    assert "search_seconds" in found.missing[0].hint


def test_sources_may_be_waited_for_without_end():
    assert ids(search(seconds=float("inf"), a=Source(finding("a")))) == ["a:1"]


def test_a_faulty_source_is_named():
    with pytest.raises(PluginError, match=r"knowledge\.b failed in its hook 'search': KeyError"):
        search(a=Source(finding("a")), b=Source(KeyError("x")))
    with pytest.raises(ConfigError, match="no key"):
        search(a=Source(ConfigError("no key")))


def test_without_sources_nothing_is_found():
    assert search() == Found()


def test_equal_ids_are_joined():
    found = search(
        a=Source(finding("a"), finding("a", 2, name="x:1")),
        b=Source(finding("b", 1, name="x:1"), finding("b", 2, name="")),
        c=Source(finding("c", 1, name="")),
    )
    assert [(one.source, one.id) for one in found.findings] == [
        ("a", "a:1"),
        ("b", "x:1"),
        ("b", ""),
        ("c", ""),
    ]


def test_the_budget_is_shared_out_by_rank():
    long = "A sentence of some length, as they go. " * 40
    many = [finding("a", rank, long) for rank in range(1, 9)]
    kept = trimmed([many, [finding("b", 1, "Short."), finding("b", 2, long)]], 800)
    assert [one.id for one in kept if one.source == "b"] == ["b:1", "b:2"]
    assert [one.id for one in kept if one.source == "a"] == ["a:1", "a:2", "a:3", "a:4"]
    size = sum(len(one.title) + len(one.text) for one in kept)
    assert 700 * CHARACTERS_PER_TOKEN < size <= 800 * CHARACTERS_PER_TOKEN
    assert kept[4].text == "Short."
    assert all(one.text.endswith(f"as they go.{CUT}") for one in kept if one.id != "b:1")


def test_the_best_of_all_stays_whatever_the_budget():
    (kept,) = trimmed([[finding("a", 1, "Word " * 99)], [finding("b", 1, "Word " * 99)]], 30)
    assert kept.id == "a:1" and len(kept.title) + len(kept.text) <= 30 * CHARACTERS_PER_TOKEN
    assert trimmed([], 100) == [] and trimmed([[], []], 100) == []


@pytest.mark.parametrize(
    ("text", "most", "cut"),
    [
        ("One. Two.", 9, "One. Two."),
        ("A first one. A second one. A third.", 32, f"A first one. A second one.{CUT}"),
        ("x = 1\ny = 2\nz = 3 + 4 + 5", 22, f"x = 1\ny = 2{CUT}"),
        ("No end of it in sight anywhere", 20, f"No end of it{CUT}"),
        ("x" * 30, 16, f"{'x' * 10}{CUT}"),
        ("Is 3.14 an end? Hardly so, no.", 27, f"Is 3.14 an end?{CUT}"),
        ("ab cd", 2, CUT),
    ],
)
def test_texts_are_cut_where_sentences_end(text, most, cut):
    assert shortened(text, most) == cut
