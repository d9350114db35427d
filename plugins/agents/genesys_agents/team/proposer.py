"""The proposer: an idea for a child, researched and written down (alg. 1, fig. 7)."""

from __future__ import annotations

import re
from collections.abc import Callable

from genesys.gau.tree import GAUTree
from genesys.records import Operator, Proposal, Reference
from genesys.session import SessionContext
from genesys.text import one_line
from genesys_agents.llm.caller import Caller
from genesys_agents.team.answers import Form, Unread, read_form, without_form
from genesys_agents.team.citations import cited, complaint, disowned
from genesys_agents.team.conversation import Conversation, UnusableAnswerError
from genesys_agents.team.prompts import render
from genesys_agents.team.search import investigate
from genesys_agents.team.settings import TeamSettings
from genesys_agents.team.views import design_view, proposal_view, siblings_view

_SHORTEST = 200  # characters of a proposal that says something
_LONGEST_NAME = 48


class Title(Form):
    """What stands above a proposal."""

    name: str
    abstract: str
    target: str = ""


def propose(caller: Caller, context: SessionContext, settings: TeamSettings) -> Proposal:
    """Research and write a proposal, or a better one than those that were turned down.

    Raises:
        GenesysError: The model gives no usable answer, or none at all.
    """
    talk = Conversation(caller, "proposer", render("proposer/system"), settings.reasks)
    prompt = _task(context, settings)
    if settings.literature and settings.searches:
        prompt = investigate(talk, context, prompt, settings.searches)
    title, text = _written(talk, context, settings, prompt)
    ids = cited(text)
    return Proposal(
        name=design_name(title.name),
        abstract=" ".join(title.abstract.split()),
        text=disowned(text, [name for name in ids if name not in context.seen]),
        operator=context.operator,
        parents=[parent.name for parent in context.parents],
        target=title.target,
        references=[Reference.to(context.seen[name]) for name in ids if name in context.seen],
    )


def targets(context: SessionContext) -> list[str]:
    """Units that a mutation may replace: all but the root, unless that is all there is."""
    if context.operator is not Operator.MUTATION:
        return []
    tree = GAUTree.of(context.parents[0])
    return [name for name in tree.order() if name != tree.root] or [tree.root]


def design_name(title: str) -> str:
    """A title as the name of a design."""
    name = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    name = name if name[:1].isalpha() else f"design-{name}"
    return name[:_LONGEST_NAME].rstrip("-")


def _written(
    talk: Conversation, context: SessionContext, settings: TeamSettings, prompt: str
) -> tuple[Title, str]:
    """The proposal; written once more if it cites what no search has found."""
    asked = render(
        "proposer/proposal",
        task=prompt,
        operator=context.operator,
        units=targets(context),
        found=bool(context.seen),
    )
    read, attempt = _reader(context), len(context.rejected) + 1
    written = talk.ask(asked, read, "proposal", attempt=attempt)
    unknown = [name for name in cited(written[1]) if name not in context.seen]
    if not unknown or not settings.reasks:
        return written
    again = render("again", problems=[complaint(unknown)])
    try:
        return talk.ask(again, read, "proposal", attempt=attempt)
    except UnusableAnswerError:
        return written


def _task(context: SessionContext, settings: TeamSettings) -> str:
    return render(
        "proposer/task",
        operator=context.operator,
        parents=[design_view(parent) for parent in context.parents],
        references=[design_view(design, code=False) for design in context.references],
        siblings=siblings_view(context, settings.siblings),
        rejected=[(proposal_view(p), review) for p, review in context.rejected],
        units=targets(context),
    )


def _reader(context: SessionContext) -> Callable[[str], tuple[Title, str] | Unread]:
    """Reads a proposal: its title, and the text below."""

    def read(answer: str) -> tuple[Title, str] | Unread:
        title = read_form(answer, Title)
        if isinstance(title, Unread):
            return title
        text = without_form(answer)
        problems = []
        if not re.search("[A-Za-z]", title.name):
            problems.append("name: it has no letters")
        if len(text) < _SHORTEST:
            problems.append("the proposal itself is missing below the JSON object")
        if not title.abstract.strip():
            problems.append("abstract: it is empty")
        allowed = targets(context)
        if allowed and title.target not in allowed:
            problems.append(
                f"target: {one_line(title.target, 60)!r} is none of {', '.join(allowed)}"
            )
        if not allowed:
            title = title.model_copy(update={"target": ""})
        return Unread(tuple(problems)) if problems else (title, text)

    return read
