"""A small tree of units."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from genesys.gau.folder import load_tree
from genesys.records import Design, Operator, Proposal, Review, Session, SessionEnd
from genesys.records import Selection as Picked
from genesys.resources import resource


@pytest.fixture(scope="session")
def seed() -> Design:
    return load_tree(resource("seeds") / "gpt2").as_design("gpt2")


@pytest.fixture
def child(seed: Design) -> Design:
    proposal = Proposal(
        name="kid", abstract="Same.", text="# Kid", operator=Operator.MUTATION, parents=["gpt2"]
    )
    return seed.model_copy(
        update={
            "name": "kid",
            "operator": Operator.MUTATION,
            "parents": ["gpt2"],
            "proposal": proposal,
            "review": Review(rating=4.5, text="Fine."),
            "index": 1,
        }
    )


@pytest.fixture
def session() -> Callable[..., Session]:
    def make(index: int = 0, design: str = "", seconds: float = 0.0) -> Session:
        return Session(
            index=index,
            seed=1,
            selection=Picked(operator=Operator.MUTATION, designs=["gpt2"]),
            end=SessionEnd.ACCEPTED if design else SessionEnd.NOT_NEW,
            design=design,
            seconds=seconds,
        )

    return make
