"""Rounds of search and notes, before a proposal or a review (app. B.1.3)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from pydantic import Field

from genesys.records import Query
from genesys.session import SessionContext
from genesys_agents.team.answers import Form, Unread, read_form
from genesys_agents.team.conversation import Conversation
from genesys_agents.team.prompts import render
from genesys_agents.team.views import findings_view, found_view

_MOST_KEYWORDS = 3


class Notes(Form):
    """What an agent has learnt, what it wants to look up, and whether it knows enough."""

    notes: str
    keywords: list[str] = Field(default_factory=list)
    description: str = ""
    instruction: str = ""
    ready: bool = False

    @property
    def query(self) -> Query | None:
        """What to look up; None for nothing."""
        keywords = [word.strip() for word in self.keywords if word.strip()][:_MOST_KEYWORDS]
        description, instruction = self.description.strip(), self.instruction.strip()
        if not (keywords or description or instruction):
            return None
        return Query(keywords=keywords, description=description, instruction=instruction)


read_notes: Callable[[str], Notes | Unread] = partial(read_form, form=Notes)


def investigate(talk: Conversation, context: SessionContext, prompt: str, rounds: int) -> str:
    """Let an agent search until it is ready, or its rounds are over.

    Args:
        talk: The agent's conversation.
        context: Of the session.
        prompt: What the agent is to do once it is ready.
        rounds: Most rounds.

    Returns:
        The prompt that is to be said next: with what the last search has found.
    """
    for number in range(1, rounds + 1):
        asked = render("parts/search", task=prompt, first=number == 1, left=rounds - number)
        notes = talk.ask(asked, read_notes, "search", attempt=number, form=Notes)
        found = context.search(notes.query) if notes.query else None
        prompt = found_view(found) if found else "You searched for nothing."
        if notes.ready:
            break
    return prompt


def past(context: SessionContext, query: Query, source: str, most: int) -> str:
    """Proposals or units of the population that are most like a new one (app. B.1.5).

    Args:
        context: Of the session.
        query: What the new one is about.
        source: ``proposals`` or ``units``.
        most: How many are shown.

    Returns:
        What to show a model; empty if there are none.
    """
    if not most:
        return ""
    found = context.search(query.model_copy(update={"limit": most})).findings
    alike = [finding for finding in found if finding.source == source][:most]
    return findings_view(alike) if alike else ""
