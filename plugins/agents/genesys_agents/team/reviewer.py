"""The reviewer: rates a proposal from 0 to 5 (alg. 1, fig. 7)."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from pydantic import Field

from genesys.records import Proposal, Query, Review
from genesys.session import SessionContext
from genesys_agents.llm.caller import Caller
from genesys_agents.team.answers import Form, read_form
from genesys_agents.team.conversation import Conversation
from genesys_agents.team.prompts import render
from genesys_agents.team.search import investigate, past
from genesys_agents.team.settings import TeamSettings
from genesys_agents.team.views import design_view, proposal_view, siblings_view


class Verdict(Form):
    """A rating with its reasons."""

    rating: Annotated[float, Field(ge=0, le=5)]
    critique: str
    suggestions: str = ""


def review(
    caller: Caller, context: SessionContext, settings: TeamSettings, proposal: Proposal
) -> Review:
    """Rate a proposal, with siblings and the nearest past proposals at hand.

    Raises:
        GenesysError: The model gives no usable answer, or none at all.
    """
    talk = Conversation(caller, "reviewer", render("reviewer/system"), settings.reasks)
    attempt = len(context.rejected) + 1
    prompt = render(
        "reviewer/task",
        proposal=proposal_view(proposal),
        operator=proposal.operator,
        target=proposal.target,
        parents=[design_view(parent, code=False) for parent in context.parents],
        siblings=siblings_view(context, settings.siblings),
        similar=past(context, _about(proposal), "proposals", settings.similar),
        earlier=context.rejected[-1][1] if context.rejected else None,
    )
    if settings.literature and settings.searches:
        prompt = investigate(talk, context, prompt, settings.searches)
    asked = render("reviewer/verdict", task=prompt)
    read = partial(read_form, form=Verdict)
    verdict = talk.ask(asked, read, "review", attempt=attempt, form=Verdict)
    text = "\n\n".join(part for part in (verdict.critique, verdict.suggestions) if part.strip())
    return Review(rating=verdict.rating, text=text)


def _about(proposal: Proposal) -> Query:
    return Query(description=f"{proposal.name} {proposal.abstract}")
