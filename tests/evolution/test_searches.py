"""The searches of a session: on its tape, told of, and what its references rest on."""

from __future__ import annotations

import json

from genesys.evolution.searches import KIND, Searches, resolved
from genesys.records import Finding, Found, Missing, Operator, Proposal, Query, Reference
from genesys.tape import Answer, Tape, digest

GLA = Finding(
    source="library", title="Gates", text="x", score=1, id="library:gla", url="https://a.b/c"
)
BARE = Finding(source="web", title="No id", text="y", score=1)
PROPOSAL = Proposal(name="p", abstract="", text="Text.", operator=Operator.SCRATCH, parents=[])
FOUND = Found(findings=[GLA, BARE], missing=[Missing(source="arxiv", reason="it is down")])


def fail(query):
    raise AssertionError


def test_what_is_found_and_what_is_missing_is_on_the_tape():
    kept: list[Answer] = []
    told: list[Found] = []
    query = Query(description="gates")
    searches = Searches(
        lambda asked: FOUND.model_copy(update={"query": asked}),
        Tape(3, keep_answer=kept.append),
        told.append,
    )
    found = searches(query)
    assert found.query == query and found.missing == FOUND.missing
    again = Searches(fail, Tape(3, answers=kept, live=False), told.append)
    assert again(query) == found
    assert told == [found, found]
    assert searches.seen == again.seen == {"library:gla": GLA}


def test_tapes_of_earlier_runs_hold_findings_only():
    query = Query(keywords=["gates"])
    old = {"source": "library", "title": "Gates", "text": "x", "score": 1.0}
    key = digest(query.model_dump(mode="json"))
    kept = Answer(session=0, kind=KIND, key=key, json_value=json.dumps([old]))
    searches = Searches(fail, Tape(0, answers=[kept], live=False), lambda found: None)
    assert searches(query).findings == [Finding(**old)]


def test_references_are_what_was_found():
    made_up = Reference(id="library:gla", title="Another title")
    cited = [made_up, Reference(id="library:none", title="None"), made_up]
    proposal = PROPOSAL.model_copy(update={"references": cited})
    (reference,) = resolved(proposal, {"library:gla": GLA}).references
    assert reference == Reference(id="library:gla", title="Gates", url="https://a.b/c")


def test_a_document_lists_its_references():
    assert PROPOSAL.document == "Text."
    hostile = Reference(id="web:1", title="A\n# B\x1b[2J", url="javascript:alert(1)")
    proposal = PROPOSAL.model_copy(update={"references": [Reference.to(GLA), hostile]})
    assert proposal.document == (
        "Text.\n\n## Sources\n\n- [library:gla] Gates <https://a.b/c>\n- [web:1] A # B"
    )
