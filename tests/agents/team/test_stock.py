"""Which units a coder may reuse, and which it is shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from genesys.gau.folder import load_tree
from genesys.gau.reference import reference_tree, reference_units
from genesys.gau.tree import GAUTree
from genesys.records import CheckReport, Finding, Found, Operator
from genesys.resources import resource
from genesys.session import SessionContext
from genesys_agents.team.stock import new_stock, recommended
from genesys_agents.team.views import stock_view

from .conftest import Hold, Library

GLA = Finding(source="library", title="GLA", text="Gates.", score=0.9, id="library:gla")
PAPER = GLA.model_copy(update={"source": "arxiv", "id": "arxiv:2312.06635"})


def context(*found: Finding) -> SessionContext:
    parts: dict[str, Any] = {"references": (), "siblings": ()}
    return SessionContext(
        index=0,
        seed=0,
        operator=Operator.MUTATION,
        parents=(load_tree(resource("seeds") / "gpt2").as_design("gpt2"),),
        search=lambda query: Found(),
        check=lambda design: CheckReport(),
        is_new=lambda design: True,
        seen={finding.id: finding for finding in found},
        **parts,
    )


def test_units_of_the_parents_come_first() -> None:
    stock = new_stock(context(), "", 0)
    assert set(stock) == {"GPT2", "MHA", "GatedMLP", "RMSNorm", "RotaryPositionalEmbeddings"}
    assert set(stock["MHA"].units) == {"MHA", "RotaryPositionalEmbeddings"}


@pytest.mark.parametrize("finding", [GLA, PAPER], ids=["library", "arxiv"])
def test_what_was_found_can_be_reused(finding: Finding) -> None:
    stock = new_stock(context(finding), "", 0)
    assert stock["GatedLinearAttention"] == reference_tree("GatedLinearAttention")
    assert not stock.keys() & {"DeltaNet", "MLA"}


def test_units_of_the_run_that_were_found_can_be_reused() -> None:
    retnet = load_tree(resource("seeds") / "retnet").as_design("retnet")
    ids = ("retnet/MultiScaleRetention", "retnet/None", "gone/RetNet", "earlier/retnet/RetNet")
    found = [
        Finding(source="units", title="", text="", score=1, id=f"units:{name}") for name in ids
    ]
    session = replace(context(*found), designs={"retnet": retnet})
    stock = new_stock(session, "", 0)
    assert stock["MultiScaleRetention"] == GAUTree.of(retnet).subtree("MultiScaleRetention")
    assert "RetNet" not in stock


def test_units_are_shown_whole_while_there_is_room() -> None:
    stock = new_stock(context(), "", 0)
    shown = stock_view(
        stock, ["RMSNorm", "MHA"], most=len(stock["RMSNorm"].units["RMSNorm"].code) + 99
    )
    assert stock["RMSNorm"].units["RMSNorm"].code.strip() in shown
    assert "MHA, which is not shown whole: " in shown
    assert "class MHA" not in shown


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        (
            "Linear attention whose keys fade by channel, as the data say",
            "GatedLinearAttention",
        ),
        ("Softmax over a sliding window and a learned sink", "SinkAttention"),
        ("The difference of two attention maps cancels noise", "DifferentialAttention"),
        ("Keys are rounded to a codebook", "VQAttention"),
    ],
)
def test_published_units_that_fit_are_recommended(about: str, expected: str) -> None:
    published = {name: reference_tree(name) for name in reference_units()}
    assert expected in recommended(published, about, 3)
    assert expected in new_stock(context(), about, 3)
    assert recommended(published, "", 3) == []


def test_the_coder_is_shown_a_few_published_units_unless_literature_is_off(hold: Hold) -> None:
    def shown(**settings: Any) -> int:
        told = set(hold(library=Library(GLA), similar=2, **settings).told("coder"))
        own = load_tree(resource("seeds") / "gpt2").units
        units = [unit for name, unit in reference_units().items() if name not in own]
        return max(sum(unit.code.strip() in text for unit in units) for text in told)

    assert 1 <= shown() <= 2
    assert shown(literature=False) == 0
