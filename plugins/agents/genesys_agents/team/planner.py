"""The planner: picks the next unit, and says what matters about it (alg. 3, fig. 8)."""

from __future__ import annotations

from collections.abc import Sequence

from genesys.text import one_line
from genesys_agents.team.answers import Form, Unread, read_form
from genesys_agents.team.conversation import Conversation
from genesys_agents.team.prompts import render

ROOT = "root"  # what a root is called that has no name yet


class Step(Form):
    """The unit to write next, and what to mind."""

    unit: str
    plan: str


def next_step(talk: Conversation, units: Sequence[str], tree: str, done: str) -> Step:
    """Let the planner pick one of the units that are not written yet.

    Args:
        talk: The planner's conversation.
        units: Those units; an empty name stands for a root without one.
        tree: The tree so far.
        done: What happened since it was asked last.

    Raises:
        GenesysError: The model gives no usable answer, or none at all.
    """
    named = {unit or ROOT: unit for unit in units}

    def read(answer: str) -> Step | Unread:
        step = read_form(answer, Step)
        if isinstance(step, Unread):
            return step
        if step.unit not in named:
            given = one_line(step.unit, 60)
            return Unread((f"unit: {given!r} is none of {', '.join(named)}",))
        return Step(unit=named[step.unit], plan=step.plan)

    prompt = render("planner/step", units=list(named), tree=tree, done=done)
    return talk.ask(prompt, read, "plan", form=Step)
