"""The observer: judges a unit that was written (alg. 3, fig. 8)."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from pydantic import Field

from genesys_agents.team.answers import Form, read_form
from genesys_agents.team.conversation import Conversation
from genesys_agents.team.prompts import render


class Opinion(Form):
    """A rating from 0 to 5, and what to do better."""

    rating: Annotated[float, Field(ge=0, le=5)]
    feedback: str


def observe(
    talk: Conversation, unit: str, attempt: int, code: str, checks: str, similar: str
) -> Opinion:
    """Judge a unit that has passed the checkers.

    Args:
        talk: The observer's conversation.
        unit: Name of the unit.
        attempt: Which attempt at it.
        code: Its files, as shown to the model.
        checks: What the checkers say.
        similar: Past units that are like it.

    Raises:
        GenesysError: The model gives no usable answer, or none at all.
    """
    prompt = render("observer/unit", unit=unit, code=code, checks=checks, similar=similar)
    read = partial(read_form, form=Opinion)
    return talk.ask(prompt, read, "observation", unit, attempt, form=Opinion)
