"""What a proposal cites is what a search has found."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from genesys.errors import SourceError
from genesys.markers import hookimpl
from genesys.records import Finding, Query, Reference, SessionEnd
from genesys.testing.llm_server import ChatRequest
from genesys_agents.team.citations import cited
from genesys_agents.testing.asked import Asked
from genesys_agents.testing.competent import Competent

from .conftest import Held, Hold, Library

GLA = Finding(
    source="library",
    title="Gates",
    text="On gates.",
    score=0.9,
    id="library:gla",
    url="https://a.b",
)
OLD = Finding(source="proposals", title="Old", text="Old.", score=0.8, id="proposals:old")
KNOWN = [Reference.to(GLA), Reference.to(OLD)]


class Down(Library):
    """A source that answers in part."""

    @hookimpl
    def search(self, query: Query) -> list[Finding]:
        raise SourceError("arxiv", "it answered 503", "Wait.", super().search(query))


def citing(*endings: str) -> Callable[[ChatRequest], str]:
    """A model that knows its trade, and whose proposals end so, one after the other."""
    left = list(endings)

    def answer(request: ChatRequest) -> str:
        good, asked = Competent()(request), Asked.by(request)
        if asked.role != "proposer" or "Now write your proposal." not in asked.last:
            return good
        text = good.partition("\n## References")[0]
        return f"{text}\n\n{left.pop(0) if len(left) > 1 else left[0]}"

    return answer


def proposed(held: Held) -> tuple[str, list[Reference]]:
    assert held.session.end is SessionEnd.ACCEPTED, held.session.note
    assert held.design is not None and held.design.proposal is not None
    return held.design.proposal.text, held.design.proposal.references


def test_passages_have_ids_and_references_resolve(hold: Hold) -> None:
    text, references = proposed(hold(library=Library(GLA, OLD)))
    assert references == KNOWN
    assert "- [library:gla]" in text


def test_each_cited_id_is_a_reference(hold: Hold) -> None:
    held = hold(
        citing("See [proposals:old; library:gla], as in [library:gla]."), library=Down(GLA, OLD)
    )
    text, references = proposed(held)
    assert references == KNOWN[::-1]
    assert "found by no search" not in text
    assert "proposer proposal" not in held.asked[2:]
    told = "\n".join(held.told("proposer"))
    assert "[library:gla] from library:\n\n```\nGates\n\nOn gates.\n```" in told
    assert "arxiv gave no answer: it answered 503." in told


def test_ids_that_no_search_found_are_asked_about_once(hold: Hold) -> None:
    held = hold(citing("See [library:made-up].", "See [library:gla]."), library=Library(GLA))
    text, references = proposed(held)
    assert references == KNOWN[:1]
    assert "made-up" not in text
    assert held.asked.count("proposer proposal") == 2
    assert any("[library:made-up]: no passage by that id" in t for t in held.told("proposer"))


def test_ids_that_stay_unknown_are_dropped_with_a_note(hold: Hold) -> None:
    held = hold(citing("See [library:gla] and [web:1a2b]."), library=Library(GLA))
    text, references = proposed(held)
    assert references == KNOWN[:1]
    assert text.endswith("Cited, but found by no search, and so no reference: web:1a2b.")
    assert held.asked.count("proposer proposal") == 2
    text, references = proposed(hold(citing("See [web:1a2b]."), literature=False, reasks=0))
    assert references == []
    assert "and so no reference: web:1a2b." in text


def test_a_worse_second_answer_does_not_end_the_session(hold: Hold) -> None:
    answers = citing("See [web:1a2b].")

    def answer(request: ChatRequest) -> str:
        asked = Asked.by(request)
        again = asked.role == "proposer" and "could not use that answer" in asked.said[-1]
        return json.dumps({"sorry": True}) if again else answers(request)

    text, _ = proposed(hold(answer, library=Library(GLA)))
    assert "and so no reference: web:1a2b." in text


def test_what_a_rejected_proposal_cited_is_kept_with_the_session(hold: Hold) -> None:
    def answer(request: ChatRequest) -> str:
        if "Now give your verdict" in Asked.by(request).last:
            return json.dumps({"rating": 1, "critique": "No."})
        return Competent()(request)

    held = hold(answer, library=Library(GLA), review_attempts=1)
    assert held.session.end is SessionEnd.REJECTED_BY_REVIEW
    assert held.session.proposal is not None
    assert held.session.proposal.references == KNOWN[:1]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("[library:gla]", ["library:gla"]),
        (
            "a [papers:x.pdf#3, arxiv:2312.06635] b [papers:x.pdf#3]",
            ["papers:x.pdf#3", "arxiv:2312.06635"],
        ),
        ("[units:run/gpt2/MHA][s2:1]", ["units:run/gpt2/MHA"]),
        ("x[lo:hi], X[:, lo:hi], f(x)[lo:hi]", []),
        ("```python\ny = [lo:hi]\n```\n[web:1]", ["web:1"]),
        ("[https://a.b/c], [1], [see library:gla], [Fig. 3: x]", []),
        ("[library:gla](https://a.b)", ["library:gla"]),
    ],
)
def test_what_counts_as_cited(text: str, ids: list[str]) -> None:
    assert cited(text) == ids
