"""The planner: picks the next unit, and says what matters about it (alg. 3, fig. 8)."""

from __future__ import annotations

from collections.abc import Sequence

from genesys_agents.team.answers import Form, Unread, read_form
from genesys_agents.team.conversation import Conversation
from genesys_agents.team.prompts import render


class Step(Form):
    """The unit to write next, and what to mind."""

    unit: str
    plan: str


def next_step(talk: Conversation, units: Sequence[str], tree: str, done: str) -> Step:
    """Let the planner pick one of the units that are not written yet.

    Args:
        talk: The planner's conversation.
        units: Those units.
        tree: The tree so far.
        done: What happened since it was asked last.

    Raises:
        GenesysError: The model gives no usable answer, or none at all.
    """

    def read(answer: str) -> Step | Unread:
        step = read_form(answer, Step)
        if isinstance(step, Step) and step.unit not in units:
            return Unread((f"unit: {step.unit!r} is none of {', '.join(units)}",))
        return step

    prompt = render("planner/step", units=units, tree=tree, done=done)
    return talk.ask(prompt, read, "plan", form=Step)
