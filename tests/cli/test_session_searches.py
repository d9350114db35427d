"""What ``genesys show session:N`` tells of searches."""

import json
from io import StringIO

import pytest
from rich.console import Console

from genesys.cli.conversation import show_session
from genesys.cli.narration import narrate
from genesys.evolution.events import Searched
from genesys.population.evolution_tree import EvolutionTree
from genesys.records import (
    Finding,
    Found,
    Missing,
    Operator,
    Proposal,
    Query,
    Reference,
    Selection,
    Session,
    SessionEnd,
)

QUERY = Query(keywords=["linear attention"], description="Gates that [bold]forget[/].")
GLA = Finding(source="library", title="Gated\x1b[2J\nattention", text="x" * 2400, score=0.4)
FOUND = Found(
    query=QUERY,
    findings=[
        GLA.model_copy(update={"id": "library:gla"}),
        GLA.model_copy(update={"id": "library:retnet", "title": "Retention"}),
    ],
    missing=[Missing(source="arxiv", reason="it answered 503", hint="Try again later.")],
)


@pytest.fixture(scope="module")
def folder(population, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    proposal = Proposal(
        name="gates",
        abstract="",
        text="",
        operator=Operator.SCRATCH,
        parents=[],
        references=[Reference(id="library:gla", title="Gated attention")],
    )
    child = population.design("gpt2-shortconv").model_copy(update={"proposal": proposal})
    selection = Selection(operator=Operator.MUTATION, designs=["gpt2"])
    common = {"seed": 0, "selection": selection}
    with EvolutionTree(folder, {}) as tree:
        tree.add_seed(population.design("gpt2"))
        tape = tree.tape(0)
        tape.answer("search", "asked", Found, lambda: FOUND)
        tape.answer("search", "asked before", list[Finding], lambda: [GLA])
        end = SessionEnd.ACCEPTED
        tree.commit_session(Session(index=0, end=end, design=child.name, **common), child)
        tree.tape(1).answer("search", "asked", Found, lambda: Found(query=QUERY))
        end = SessionEnd.REJECTED_BY_REVIEW
        tree.commit_session(Session(index=1, end=end, proposal=proposal, **common), None)
    return folder


def printed(folder, name, **options):
    console = Console(file=StringIO(), width=120)
    show_session(folder, name, console=console, **options)
    return console.file.getvalue()


def test_searches_their_passages_and_what_was_used(folder):
    text = printed(folder, "session:0")
    asked = "1. keywords “linear attention”, description “Gates that [bold]forget[/].”"
    assert asked in text
    assert "● [library:gla] Gated attention  library, 0.40, 2.4k characters" in text
    assert "  [library:retnet] Retention" in text and "● [library:retnet]" not in text
    assert "arxiv gave no answer: it answered 503. Try again later." in text
    assert "2. a query that was not kept" in text
    assert "\x1b" not in text


def test_a_session_that_made_no_design(folder):
    assert "Nothing was found." in printed(folder, "session:1")
    told = json.loads(printed(folder, "session:1", as_json=True))
    assert told["references"] == ["library:gla"]
    assert told["searches"][0]["query"]["keywords"] == ["linear attention"]


def test_whoever_watches_is_told_what_is_missing():
    line = narrate(Searched(3, FOUND))
    assert line == "✘ session 3: a search went without arxiv: it answered 503. Try again later."
    assert narrate(Searched(3, Found(query=QUERY))) is None
